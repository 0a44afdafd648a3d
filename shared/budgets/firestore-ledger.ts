import { randomUUID } from 'node:crypto'
import type { Firestore } from '@google-cloud/firestore'
import { SpanledgerError } from '../errors.ts'
import { checkAmount } from './amount.ts'
import { type Budget, budgetToJson, MAX_GRANTS, newBudget, withTerms } from './budget.ts'
import { budgetsFor } from './charge.ts'
import { estimateOf, type History } from './estimate.ts'
import { alertsPublished, dueAlerts, raiseAlerts } from './firestore/alerts.ts'
import { backfill, COUNT_SHARDS, debitMessage } from './firestore/debit.ts'
import {
  type BudgetState,
  balanceOf,
  bucketKey,
  budgetRef,
  decodeState,
  nameOf,
  openCollections,
  withBucket,
} from './firestore/documents.ts'
import { addEntry, type Line, readEntries } from './firestore/entries.ts'
import { createHistories } from './firestore/histories.ts'
import { lease, returnLease } from './firestore/leases.ts'
import { readRules, readState, ruleOf, type Shelf } from './firestore/project.ts'
import { release, reservation, reserve, save, settle } from './firestore/reservations.ts'
import { answering, createGroups, type Work, type Workspace } from './firestore/workspace.ts'
import type { Balance, BudgetLedger } from './ledger.ts'
import { currentWindow } from './position.ts'

export interface FirestoreLedgerOptions {
  /** Closed with the ledger. */
  readonly firestore: Firestore
  /** Begins the names of all collections. @defaultValue `budget` */
  readonly prefix?: string
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

/** Pieces of work that are written at once: each writes at most a few documents, and a write takes 500. */
const GROUP = 100

/** Budgets in Firestore: one document a budget, so that a decision reads one and a debit writes one for each budget. */
export function openFirestoreLedger(options: FirestoreLedgerOptions): BudgetLedger {
  const { firestore, prefix = 'budget', now = Date.now } = options
  const collections = openCollections(firestore, prefix)
  const shelf: Shelf = { collections, now, projects: new Map(), noted: new Set() }
  const group = createGroups(firestore, GROUP)
  const histories = createHistories(shelf)
  const write = <T>(project: string, work: Work<T>) => group(project, work)
  const standing = (state: BudgetState): Balance => balanceOf(state, ruleOf(state), now())

  /** Saves a changed budget and its entry, and tells every instance that the project's budgets have changed. */
  async function revise(workspace: Workspace, state: BudgetState, line: Line): Promise<void> {
    const ref = collections.projects.doc(nameOf(state.budget.project))
    const project = await workspace.get(ref)
    save(workspace, shelf, state)
    workspace.put(ref, { revision: Number(project?.revision ?? 0) + 1, name: state.budget.project })
    addEntry(workspace, shelf, state.budget, line)
  }

  const noteAlerts = async ({ state, bucket }: { state: BudgetState; bucket: number }) =>
    answering(() => raiseAlerts(shelf, state, ruleOf(state), bucket))

  return {
    rules: (project) => answering(() => readRules(shelf, project)),
    get: (project, id) =>
      answering(async () => {
        const fields = (await budgetRef(collections, project, id).get()).data()
        const state = fields === undefined ? undefined : decodeState(fields)
        if (state === undefined || state.deleted) {
          throw new SpanledgerError('budget/not-found', `there is no budget "${id}"`)
        }
        return standing(state)
      }),
    list: (project, { after = '', pageSize }) =>
      answering(async () => {
        const { rules } = await readRules(shelf, project)
        const found = rules.filter(({ budget }) => budget.id > after)
        const refs = found.slice(0, pageSize).map(({ budget }) => budgetRef(collections, project, budget.id))
        const documents = refs.length === 0 ? [] : await firestore.getAll(...refs)
        const items = documents.map((document) => standing(decodeState(document.data() ?? {})))
        return { items, next: found.length > pageSize ? (items.at(-1)?.budget.id ?? null) : null }
      }),
    put: async (project, id, terms, actor) => {
      const { state, created } = await write(project, async (workspace) => {
        const fields = await workspace.get(budgetRef(collections, project, id))
        const former = fields === undefined ? undefined : decodeState(fields)
        const created = former === undefined || former.deleted
        const budget = created
          ? newBudget(project, id, terms, now(), (former?.budget.generation ?? 0) + 1)
          : withTerms(former.budget, terms, now())
        const state: BudgetState = {
          budget,
          deleted: false,
          buckets: former?.buckets ?? new Map(),
          holds: former?.holds ?? new Map(),
        }
        const note = budgetToJson({ ...budget, alerts: budget.alerts.map((target) => ({ ...target, secret: '' })) })
        await revise(workspace, state, { kind: created ? 'created' : 'updated', actor, note })
        return { state, created }
      })
      await noteAlerts({ state, bucket: now() })
      return { balance: standing(state), created }
    },
    delete: (project, id, actor) =>
      write(project, async (workspace) => {
        const { state } = await readState(workspace, shelf, project, id)
        await revise(workspace, { ...state, deleted: true, holds: new Map() }, { kind: 'deleted', actor, note: '' })
      }),
    grant: (project, id, grant, actor) =>
      write(project, async (workspace) => {
        const { state } = await readState(workspace, shelf, project, id)
        const { budget } = state
        if (budget.grants.filter(({ to }) => to > now()).length >= MAX_GRANTS) {
          throw new SpanledgerError('budget/invalid', `a budget has at most ${MAX_GRANTS} grants`)
        }
        const grants = [...budget.grants, { ...grant, id: randomUUID() }].slice(-2 * MAX_GRANTS)
        const after: BudgetState = { ...state, budget: { ...budget, grants, updatedAt: now() } }
        const note = `${grant.amount} from ${grant.from} to ${grant.to}: ${grant.note}`
        await revise(workspace, after, { kind: 'granted', actor, note })
        return standing(after)
      }),
    reset: (project, id, actor, note) =>
      write(project, async (workspace) => {
        const { state, rule } = await readState(workspace, shelf, project, id)
        const { budget, calendar } = rule
        const { start, end } = currentWindow(budget, calendar, now())
        let after = state
        for (const [key, { spent }] of state.buckets) {
          const [generation, bucket] = key.split('_').map(Number) as [number, number]
          if (generation !== budget.generation || bucket < start || bucket >= end) continue
          after = withBucket(after, key, (sums) => ({ ...sums, spent: 0n }))
          addEntry(workspace, shelf, budget, { kind: 'reset', actor, note, bucket, amount: -spent })
        }
        if (after === state) addEntry(workspace, shelf, budget, { kind: 'reset', actor, note })
        save(workspace, shelf, after)
        return standing(after)
      }),
    correct: async (project, id, bucket, amount, actor, note) => {
      const state = await write(project, async (workspace) => {
        const { state, rule } = await readState(workspace, shelf, project, id)
        const key = bucketKey(rule.budget.generation, bucket)
        const after = withBucket(state, key, (sums) => ({ ...sums, spent: checkAmount(sums.spent + amount) }))
        save(workspace, shelf, after)
        addEntry(workspace, shelf, rule.budget, { kind: 'corrected', actor, note, bucket, amount })
        return after
      })
      await noteAlerts({ state, bucket })
    },
    entries: (project, id, page) => answering(() => readEntries(shelf, project, id, page)),

    debit: (batches) =>
      answering(async () => {
        const results = await Promise.all(batches.map((batch) => debitMessage(shelf, batch)))
        await histories.add(batches.filter((_, i) => results[i] === 'debited'))
        return results
      }),
    backfill: (project, _id, charges) => answering(() => backfill(shelf, project, charges)),
    backfilled: (project, id, generation) =>
      write(project, async (workspace) => {
        const { state } = await readState(workspace, shelf, project, id)
        if (state.budget.generation !== generation) return
        const budget: Budget = { ...state.budget, backfill: 'done' }
        await revise(workspace, { ...state, budget }, { kind: 'updated', actor: 'backfill', note: 'backfill is done' })
      }),

    reserve: (request) => write(request.project, (workspace) => reserve(workspace, shelf, request)),
    settle: (project, id, amounts) => write(project, (workspace) => settle(workspace, shelf, project, id, amounts)),
    release: (project, id) => write(project, (workspace) => release(workspace, shelf, project, id)),
    lease: (request) => write(request.project, (workspace) => lease(workspace, shelf, request)),
    returnLease: (project, id, used) =>
      write(project, (workspace) => returnLease(workspace, shelf, { project, id, used })),
    reservation: (project, id) => write(project, (workspace) => reservation(workspace, shelf, project, id)),
    balances: (project, subject) =>
      answering(async () => {
        const refs = budgetsFor(await readRules(shelf, project), subject).map(({ id }) =>
          budgetRef(collections, project, id),
        )
        const documents = refs.length === 0 ? [] : await firestore.getAll(...refs)
        return documents.map((document) => standing(decodeState(document.data() ?? {})))
      }),
    estimate: (project, model) =>
      answering(async () => {
        const found = (await collections.models.doc(nameOf(project, model)).get()).get('body')
        return estimateOf(found === undefined ? { usd: {}, tokens: {}, count: 0 } : (JSON.parse(found) as History))
      }),

    dueAlerts: (limit) => answering(() => dueAlerts(shelf, limit)),
    alertsPublished: (ids) => answering(() => alertsPublished(shelf, ids)),
    counts: (project) =>
      answering(async () => {
        const name = nameOf(project)
        const refs = Array.from({ length: COUNT_SHARDS }, (_, shard) => collections.counts.doc(`${name}_${shard}`))
        const shards = await firestore.getAll(...refs)
        const stored = shards.reduce((sum, shard) => sum + BigInt(shard.get('handled') ?? 0), 0n)
        return { stored, duplicates: 0n }
      }),
    close: async () => {
      await firestore.terminate()
    },
  }
}
