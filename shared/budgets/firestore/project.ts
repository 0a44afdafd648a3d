import { SpanledgerError } from '../../errors.ts'
import type { Budget } from '../budget.ts'
import { compileRule, type Rule, type Rules, rulesOf } from '../charge.ts'
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
   * When, in milliseconds since 1970, a threshold was last found that was not known to be noted, and when a look for
   * alerts found none; and the ids of those that were noted here.
   */
  readonly alerting: { raisedAt: number; nothingAt: number; readonly raised: Set<string> }
  /** Which of the counters of messages that charge nothing is written here. */
  readonly shard: number
}

const MAX_PROJECTS = 1_000
/** Changes of budgets that a project remembers. */
const MAX_CHANGES = 50

/** The project's budgets as they are now: one read, and those that have changed since they were last read. */
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
  const changed = known === undefined ? undefined : changedSince(fields, known.revision)
  const found =
    changed !== undefined
      ? await collections.firestore.getAll(...changed.map((id) => budgetRef(collections, project, id)))
      : revision === 0
        ? []
        : (await collections.budgets.where('project', '==', name).get()).docs
  const byId = new Map(changed && known?.rules.map((rule) => [rule.budget.id, rule]))
  for (const document of found) {
    const { budget, deleted } = decodeState(document.data() ?? {})
    if (deleted) byId.delete(budget.id)
    else byId.set(budget.id, compileRule(budget))
  }
  const rules = rulesOf(
    [...byId.values()].sort((a, b) => (a.budget.id < b.budget.id ? -1 : 1)),
    revision,
  )
  if (projects.size >= MAX_PROJECTS) projects.clear()
  projects.set(project, rules)
  return rules
}

/** Ids of budgets that a project has changed, the last in `revision`. */
interface Changes {
  readonly revision: number
  readonly ids: readonly string[]
}

/** Notes that budget `id` has changed, so that every instance reads it again: what is to be written to its project. */
export function withChange(fields: Record<string, unknown> | undefined, { project, id }: Budget) {
  const before = Number(fields?.revision ?? 0)
  const { revision: last, ids } = changesOf(fields)
  const revision = before + 1
  const changes: Changes = { revision, ids: [...(last === before ? ids : []), id].slice(-MAX_CHANGES) }
  return { name: project, revision, changes }
}

/** The budgets that have changed since `revision`, each once; undefined where that is not known any more. */
function changedSince(fields: Record<string, unknown> | undefined, revision: number): string[] | undefined {
  const { revision: last, ids } = changesOf(fields)
  const count = last - revision
  // Who knows of no changes has written without them.
  return last === fields?.revision && count > 0 && count <= ids.length ? [...new Set(ids.slice(-count))] : undefined
}

function changesOf(fields: Record<string, unknown> | undefined): Changes {
  return (fields?.changes ?? { revision: 0, ids: [] }) as Changes
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
  return compileRule(budget)
}
