import { budgetsFor, type Rules } from '../../../shared/budgets/charge.ts'
import type { BudgetLedger } from '../../../shared/budgets/ledger.ts'
import type { Subject } from '../../../shared/budgets/selector.ts'
import { isSpanledgerError, SpanledgerError } from '../../../shared/errors.ts'

/** A call that somebody asks about. */
interface Call {
  readonly project: string
  readonly subject: Subject
}

export interface FallbackOptions {
  readonly ledger: Pick<BudgetLedger, 'rules'>
  /** A ledger that takes longer does not answer, in milliseconds: somebody waits to make a call. @defaultValue 5,000 */
  readonly answerMs?: number
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

/** What callers are told while the ledger does not answer, by the budgets as they were last seen. */
export interface Fallback {
  /**
   * What `work` answers; `degraded` while the ledger does not, if every hard budget that applies says `failOpen`. Of a project whose
   * budgets were never seen nothing is known, so that it rejects like `work`. What is granted too late holds until it expires.
   */
  answer<T>(call: Call, work: () => Promise<T>, degraded: () => T): Promise<T>
}

/** Projects that are remembered. */
const MAX_PROJECTS = 10_000
/** How old what was seen of a project may be before it is looked at again, in milliseconds. */
const SEEN_FOR_MS = 5_000

export function createFallback({ ledger, answerMs = 5_000, now = Date.now }: FallbackOptions): Fallback {
  const seen = new Map<string, { readonly rules: Rules; readonly at: number }>()

  async function look(project: string): Promise<void> {
    const known = seen.get(project)
    if (known !== undefined && now() - known.at < SEEN_FOR_MS) return
    const rules = await ledger.rules(project)
    if (known === undefined && seen.size >= MAX_PROJECTS) seen.clear()
    seen.set(project, { rules, at: now() })
  }

  function failsOpen({ project, subject }: Call): boolean {
    const known = seen.get(project)
    if (known === undefined) return false
    return budgetsFor(known.rules, subject).every(({ mode, failMode }) => mode !== 'hard' || failMode === 'failOpen')
  }

  return {
    async answer(call, work, degraded) {
      try {
        const answer = await within(answerMs, work())
        await within(answerMs, look(call.project)).catch(() => undefined)
        return answer
      } catch (error) {
        if (!isSpanledgerError(error, 'store/unavailable') || !failsOpen(call)) throw error
        return degraded()
      }
    },
  }
}

function within<T>(ms: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = new SpanledgerError('store/unavailable', 'the budget ledger does not answer; try again')
    const timer = setTimeout(() => reject(late), ms)
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
