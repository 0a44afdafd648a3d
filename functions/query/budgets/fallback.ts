import { budgetsFor, type Rules } from '../../../shared/budgets/charge.ts'
import type { Subject } from '../../../shared/budgets/selector.ts'

/** What callers are told while the ledger does not answer, by the budgets as they were last seen. */
export interface Fallback {
  remember(project: string, rules: Rules): void
  /**
   * Whether a call may go ahead unseen: every hard budget that applies says `failOpen`. Of a project whose budgets were never
   * seen nothing is known, so it may not.
   */
  allows(project: string, subject: Subject): boolean
}

/** Projects that are remembered. */
const MAX_PROJECTS = 10_000

export function createFallback(): Fallback {
  const seen = new Map<string, Rules>()
  return {
    remember(project, rules) {
      if (!seen.has(project) && seen.size >= MAX_PROJECTS) seen.clear()
      seen.set(project, rules)
    },
    allows(project, subject) {
      const rules = seen.get(project)
      if (rules === undefined) return false
      return budgetsFor(rules, subject).every(({ mode, failMode }) => mode !== 'hard' || failMode === 'failOpen')
    },
  }
}
