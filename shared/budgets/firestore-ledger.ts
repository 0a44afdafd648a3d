import { randomInt, randomUUID } from 'node:crypto'
import type { Firestore } from '@google-cloud/firestore'
import { SpanledgerError } from '../errors.ts'
import { type Budget, checkVersion, isApplied, newBudget, withGrant, withoutGrant, withTerms } from './budget.ts'
import { changeNote, grantNote } from './change-note.ts'
import { budgetsFor } from './charge.ts'
import { estimateOf, type History } from './estimate.ts'
import { alertsPublished, dueAlerts, raiseAlerts } from './firestore/alerts.ts'
import { correct, spanSums } from './firestore/corrections.ts'
import { backfills, debit, debitReads } from './firestore/debit.ts'
import {
  type BudgetState,
  balanceOf,
  bucketKey,
  bucketsOf,
  budgetRef,
  decodeState,
  nameOf,
  openCollections,
  withBucket,
} from './firestore/documents.ts'
import { addEntry, readEntries } from './firestore/entries.ts'
import { createHistories } from './firestore/histories.ts'
import { lease, leaseReads, returnLease } from './firestore/leases.ts'
import { readRules, readState, ruleOf, type Shelf, withChange } from './firestore/project.ts'
import { release, reservation, reserve, reserveReads, save, settle } from './firestore/reservations.ts'
import { answering, createGroups, type Workspace } from './firestore/workspace.ts'
import type { Balance, BudgetLedger, EntryLine } from './ledger.ts'
import { resetBudget } from './reset.ts'

export interface FirestoreLedgerOptions {
  /** Closed with the ledger. */
  readonly firestore: Firestore
  /** Begins the names of all collections. @defaultValue `budget` */
  readonly prefix?: string
  /** Milliseconds since 1970. */
  readonly now?: () => number
  /**
   * A project's debits are written no sooner after the last ones, in milliseconds: those that come meanwhile share one
   * write of each budget, since a document takes about one write a second for long. @defaultValue 1000
   */
  readonly debitEveryMs?: number
  /** How long Firestore's answer is waited for, in milliseconds. @defaultValue 20,000 */
  readonly deadlineMs?: number
}

/** Pieces of work that are written at once: each writes at most a few documents. */
const GROUP = 100
/** Charges that are written at once, and what a message counts at least: a write takes 10 MiB. */
const MAX_CHARGES = 20_000
const MESSAGE_CHARGES = 1_000
/** Counters a project of spans whose messages charge nothing. */
const COUNT_SHARDS = 16

/** Budgets in Firestore: one document a budget, so that a decision reads one and a debit writes one for each budget. */
export function openFirestoreLedger(options: FirestoreLedgerOptions): BudgetLedger {
  const { firestore, prefix = 'budget', now = Date.now, debitEveryMs = 1_000, deadlineMs = 20_000 } = options
  const collections = openCollections(firestore, prefix)
  const alerting = { raisedAt: 0, nothingAt: 0, raised: new Set<string>() }
  const shelf: Shelf = {
    ...{ collections, now, projects: new Map(), noted: new Set(), alerting },
    shard: randomInt(COUNT_SHARDS),
  }
  const write = createGroups(firestore, { maxWeight: GROUP, deadlineMs })
  const writeDebit = createGroups(firestore, { maxWeight: MAX_CHARGES, everyMs: debitEveryMs, deadlineMs })
  const histories = createHistories(shelf)
  const answer = <T>(work: () => Promise<T>) => answering(work, deadlineMs)
  const standing = (state: BudgetState): Balance => balanceOf(state, ruleOf(state), now())

  /** Saves a changed budget and its entry, and tells every instance that the project's budgets have changed. */
  async function revise(workspace: Workspace, state: BudgetState, line: EntryLine): Promise<void> {
    const ref = collections.projects.doc(nameOf(state.budget.project))
    const project = await workspace.get(ref)
    save(workspace, shelf, state)
    workspace.put(ref, withChange(project, state.budget))
    addEntry(workspace, shelf, state.budget, line)
  }

  const change = (project: string, id: string, to: (budget: Budget) => Budget, line: (of: Budget) => EntryLine) =>
    write(project, async (workspace) => {
      const { state } = await readState(workspace, shelf, project, id)
      const after: BudgetState = { ...state, budget: to(state.budget) }
      if (after.budget === state.budget) return standing(state)
      await revise(workspace, after, line(after.budget))
      await raiseAlerts(workspace, shelf, { state: after, rule: ruleOf(after), start: now() })
      return standing(after)
    })

  return {
    rules: (project) => answer(() => readRules(shelf, project)),
    get: (project, id) =>
      answer(async () => {
        const fields = (await budgetRef(collections, project, id).get()).data()
        const state = fields === undefined ? undefined : decodeState(fields)
        if (state === undefined || state.deleted) {
          throw new SpanledgerError('budget/not-found', `there is no budget "${id}"`)
        }
        return standing(state)
      }),
    list: (project, { after = '', pageSize }) =>
      answer(async () => {
        const { rules } = await readRules(shelf, project)
        const found = rules.filter(({ budget }) => budget.id > after)
        const refs = found.slice(0, pageSize).map(({ budget }) => budgetRef(collections, project, budget.id))
        const documents = refs.length === 0 ? [] : await firestore.getAll(...refs)
        const items = documents.map((document) => standing(decodeState(document.data() ?? {})))
        return { items, next: found.length > pageSize ? (items.at(-1)?.budget.id ?? null) : null }
      }),
    put: async (project, id, terms, actor, version) => {
      const { state, created } = await write(project, async (workspace) => {
        const fields = await workspace.get(budgetRef(collections, project, id))
        const former = fields === undefined ? undefined : decodeState(fields)
        const created = former === undefined || former.deleted
        if (!created && isApplied(former.budget, terms, version)) return { state: former, created }
        checkVersion(created ? undefined : former.budget, version)
        const budget = created
          ? newBudget(project, id, terms, now(), former?.budget)
          : withTerms(former.budget, terms, now())
        const state: BudgetState = {
          budget,
          deleted: false,
          handled: former?.handled ?? 0,
          buckets: former?.buckets ?? new Map(),
          // What was held for another question says nothing of this one.
          holds: former?.budget.generation === budget.generation ? former.holds : new Map(),
        }
        const note = changeNote(budget, created ? undefined : former.budget)
        await revise(workspace, state, { kind: created ? 'created' : 'updated', actor, note })
        await raiseAlerts(workspace, shelf, { state, rule: ruleOf(state), start: now() })
        return { state, created }
      })
      return { balance: standing(state), created }
    },
    delete: (project, id, actor) =>
      write(project, async (workspace) => {
        const { state } = await readState(workspace, shelf, project, id)
        await revise(workspace, { ...state, deleted: true, holds: new Map() }, { kind: 'deleted', actor, note: '' })
      }),
    grant: (project, id, given, actor, grantId = randomUUID()) => {
      const grant = { ...given, id: grantId }
      const line = ({ unit }: Budget) => ({ kind: 'granted' as const, actor, note: grantNote(unit, grant) })
      return change(project, id, (budget) => withGrant(budget, grant, now()), line)
    },
    revokeGrant: (project, id, grantId, actor) => {
      const line = () => ({ kind: 'revoked' as const, actor, note: grantId })
      return change(project, id, (budget) => withoutGrant(budget, grantId, now()), line)
    },
    reset: (project, id, actor, note) =>
      write(project, async (workspace) => {
        const { state, rule } = await readState(workspace, shelf, project, id)
        const { budget, taken } = resetBudget(rule, now(), bucketsOf(state, rule, now()))
        const [first = {}, ...others] = taken.map((own) => ({ kind: 'reset', actor, note, ...own }) as const)
        let after: BudgetState = { ...state, budget }
        for (const { bucket } of taken)
          after = withBucket(after, bucketKey(budget.generation, bucket), (sums) => ({ ...sums, spent: 0n }))
        for (const line of others) addEntry(workspace, shelf, budget, line)
        await revise(workspace, after, { kind: 'reset', actor, note, ...first })
        return standing(after)
      }),
    correct: (project, id, correction) =>
      write(project, (workspace) => correct(workspace, shelf, { project, id, correction })),
    entries: (project, id, page) => answer(() => readEntries(shelf, project, id, page)),

    projects: () =>
      answer(async () => (await collections.projects.select('name').get()).docs.map((found) => found.get('name'))),
    spanSums: (project, id) => answer(() => spanSums(shelf, project, id)),
    debit: (batches, { reason }: { readonly reason?: string } = {}) =>
      answer(async () => {
        const results = await Promise.all(
          batches.map((batch) => {
            const options = { weight: MESSAGE_CHARGES + batch.charges.length, reads: debitReads(shelf, batch) }
            return writeDebit(batch.project, (workspace) => debit(workspace, shelf, batch, reason), options)
          }),
        )
        await histories.add(batches.filter((_, i) => results[i] === 'debited'))
        return results
      }),
    backfill: async (project, _id, charges) => {
      for (const work of backfills(project, charges))
        await write(project, (workspace) => work(workspace, shelf), { weight: GROUP })
    },
    backfilled: (project, id, generation) =>
      write(project, async (workspace) => {
        const { state } = await readState(workspace, shelf, project, id)
        if (state.budget.generation !== generation) return
        const budget: Budget = { ...state.budget, backfill: 'done' }
        await revise(workspace, { ...state, budget }, { kind: 'updated', actor: 'backfill', note: 'backfill is done' })
      }),

    reserve: (request) => {
      const reads = reserveReads(shelf, request)
      return write(request.project, (workspace) => reserve(workspace, shelf, request), { reads })
    },
    settle: (project, id, amounts, actor) =>
      write(project, (workspace) => settle(workspace, shelf, project, { id, amounts, actor })),
    release: (project, id) => write(project, (workspace) => release(workspace, shelf, project, id)),
    lease: (request) => {
      const reads = leaseReads(shelf, request)
      return write(request.project, (workspace) => lease(workspace, shelf, request), { reads })
    },
    returnLease: (project, id, used) =>
      write(project, (workspace) => returnLease(workspace, shelf, { project, id, used })),
    reservation: (project, id) => write(project, (workspace) => reservation(workspace, shelf, project, id)),
    balances: (project, subject) =>
      answer(async () => {
        const refs = budgetsFor(await readRules(shelf, project), subject).map(({ id }) =>
          budgetRef(collections, project, id),
        )
        const documents = refs.length === 0 ? [] : await firestore.getAll(...refs)
        return documents.map((document) => standing(decodeState(document.data() ?? {})))
      }),
    estimate: (project, model) =>
      answer(async () => {
        const found = (await collections.models.doc(nameOf(project, model)).get()).get('body')
        return estimateOf(found === undefined ? { usd: {}, tokens: {}, count: 0 } : (JSON.parse(found) as History))
      }),

    dueAlerts: (limit) => answer(() => dueAlerts(shelf, limit)),
    alertsPublished: (ids) => answer(() => alertsPublished(shelf, ids)),
    counts: (project) =>
      answer(async () => {
        const name = nameOf(project)
        const refs = Array.from({ length: COUNT_SHARDS }, (_, shard) => collections.counts.doc(`${name}_${shard}`))
        const [counts, budgets] = await Promise.all([
          firestore.getAll(...refs),
          collections.budgets.where('project', '==', name).select('handled').get(),
        ])
        const counting = [...counts, ...budgets.docs]
        const stored = counting.reduce((sum, document) => sum + BigInt(document.get('handled') ?? 0), 0n)
        return { stored, duplicates: 0n }
      }),
    close: async () => {
      await firestore.terminate()
    },
  }
}
