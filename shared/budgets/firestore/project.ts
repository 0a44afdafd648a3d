import { SpanledgerError } from '../../errors.ts'
import { compileRules, type Rule, type Rules } from '../charge.ts'
import { type BudgetState, budgetRef, type Collections, decodeState, nameOf } from './documents.ts'
import type { Workspace } from './workspace.ts'

/** What every part of the Firestore ledger needs. */
export interface Shelf {
  readonly collections: Collections
  readonly now: () => number
  /** Budgets by project, compiled at one revision. */
  readonly projects: Map<string, Rules>
  /** Alerts known to have been noted. */
  readonly noted: Set<string>
  /**
   * When, in milliseconds since 1970, a threshold was last found that was not known to be noted, and when a look for alerts found none; and the ids of
   * those that were noted here.
   */
  readonly alerting: { raisedAt: number; nothingAt: number; readonly raised: Set<string> }
  /** Which of the counters of messages that charge nothing is written here. */
  readonly shard: number
}

const MAX_PROJECTS = 1_000

/** The project's budgets as they are now: one read, and all of them only when one has changed. */
export async function readRules(
  { collections, projects }: Shelf,
  project: string,
  workspace?: Workspace,
): Promise<Rules> {
  const name = nameOf(project)
  const ref = collections.projects.doc(name)
  const fields = workspace === undefined ? (await ref.get()).data() : await workspace.stored(ref)
  const revision = Number(fields?.revision ?? 0)
  const known = projects.get(project)
  if (known?.revision === revision) return known
  const found = revision === 0 ? [] : (await collections.budgets.where('project', '==', name).get()).docs
  const budgets = found
    .map((document) => decodeState(document.data()))
    .filter(({ deleted }) => !deleted)
    .map(({ budget }) => budget)
    .sort((a, b) => (a.id < b.id ? -1 : 1))
  const rules = compileRules(budgets, revision)
  if (projects.size >= MAX_PROJECTS) projects.clear()
  projects.set(project, rules)
  return rules
}

/** The state of a budget, and its rule; throws `budget/not-found`. */
export async function readState(
  workspace: Workspace,
  { collections }: Shelf,
  project: string,
  id: string,
): Promise<{ readonly state: BudgetState; readonly rule: Rule }> {
  const fields = await workspace.get(budgetRef(collections, project, id))
  const state = fields === undefined ? undefined : decodeState(fields)
  if (state === undefined || state.deleted) throw new SpanledgerError('budget/not-found', `there is no budget "${id}"`)
  return { state, rule: ruleOf(state) }
}

export function ruleOf({ budget }: BudgetState): Rule {
  return compileRules([budget], 0).rules[0] as Rule
}
