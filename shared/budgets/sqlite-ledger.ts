import { randomUUID } from 'node:crypto'
import { SpanledgerError } from '../errors.ts'
import {
  type Budget,
  budgetFromJson,
  budgetToJson,
  checkVersion,
  isApplied,
  newBudget,
  unitOf,
  withGrant,
  withoutGrant,
  withTerms,
} from './budget.ts'
import { changeNote, grantNote } from './change-note.ts'
import { compileRule } from './charge.ts'
import type { Balance, BudgetLedger, Entry, EntryKind, EntryLine } from './ledger.ts'
import { resetBudget } from './reset.ts'
import { alertsPublished, dueAlerts, raiseAlerts } from './sqlite/alerts.ts'
import { type Books, findBudget, post, readBalance, readBuckets, readProject } from './sqlite/books.ts'
import { correct, spanSums } from './sqlite/corrections.ts'
import { openDatabase } from './sqlite/database.ts'
import { backfill, debit, prune } from './sqlite/debit.ts'
import { readEstimate } from './sqlite/estimates.ts'
import { dropHolds } from './sqlite/holds.ts'
import { lease, returnLease } from './sqlite/leases.ts'
import { balancesFor, release, reservation, reserve, settle } from './sqlite/reservations.ts'

export interface SqliteLedgerOptions {
  /** The file; `:memory:` for none. Several threads and processes may hold it open. */
  readonly path: string
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

/** How often what is too old is forgotten, in milliseconds. */
const PRUNE_EVERY_MS = 1_000

/**
 * Budgets in a SQLite file. What a client is answered is fsynced; debits are committed without, since the bus delivers
 * them again. Calls of the same moment share a transaction.
 */
export function openSqliteLedger(options: SqliteLedgerOptions): BudgetLedger {
  const { path, now = Date.now } = options
  const db = openDatabase(path, { durable: true })
  const books: Books = { db, now, projects: new Map() }
  // A database in memory belongs to its connection.
  const relaxed = path === ':memory:' ? db : openDatabase(path, { durable: false })
  const bulk: Books = { db: relaxed, now, projects: new Map() }
  const write = groupCommit(books)
  let prunedAt = 0

  const change = (project: string, id: string, to: (budget: Budget) => Budget, line: (of: Budget) => EntryLine) => {
    const { ref, rule } = findBudget(books, project, id)
    const budget = to(rule.budget)
    if (budget === rule.budget) return readBalance(books, ref, rule)
    save(books, ref, budget)
    post(books, { budget: ref, generation: budget.generation, ...line(budget) })
    raiseAlerts(books, ref, compileRule(budget), now())
    return readBalance(books, ref, compileRule(budget))
  }

  return {
    rules: async (project) => readProject(bulk, project).rules,
    get: async (project, id) => {
      const { ref, rule } = findBudget(books, project, id)
      return readBalance(books, ref, rule)
    },
    list: async (project, { after = '', pageSize }) => {
      const { rules, refs } = readProject(books, project)
      const found = rules.rules.filter(({ budget }) => budget.id > after)
      const items = found
        .slice(0, pageSize)
        .map((rule) => readBalance(books, refs.get(rule.budget.id)?.ref as bigint, rule))
      return { items, next: found.length > pageSize ? (items.at(-1)?.budget.id ?? null) : null }
    },
    put: (project, id, terms, actor, version) =>
      write(() => {
        const row = db.get('SELECT ref, body, deleted FROM budgets WHERE project = ? AND id = ?', project, id)
        const former = row === undefined ? undefined : budgetFromJson(String(row.body))
        const created = former === undefined || row?.deleted === 1n
        if (!created && isApplied(former, terms, version))
          return { balance: readBalance(books, row?.ref as bigint, compileRule(former)), created }
        checkVersion(created ? undefined : former, version)
        const budget = created ? newBudget(project, id, terms, now(), former) : withTerms(former, terms, now())
        const ref = (row?.ref ??
          db.get('INSERT INTO budgets (project, id, body, deleted) VALUES (?, ?, ?, 0) RETURNING ref', project, id, '')
            ?.ref) as bigint
        save(books, ref, budget)
        // What was held for another question says nothing of this one.
        if (former?.generation !== budget.generation) dropHolds(books, ref)
        const note = changeNote(budget, created ? undefined : former)
        post(books, { budget: ref, generation: budget.generation, kind: created ? 'created' : 'updated', actor, note })
        const rule = compileRule(budget)
        raiseAlerts(books, ref, rule, now())
        return { balance: readBalance(books, ref, rule), created }
      }),
    delete: (project, id, actor) =>
      write(() => {
        const { ref, rule } = findBudget(books, project, id)
        db.run('UPDATE budgets SET deleted = 1 WHERE ref = ?', ref)
        dropHolds(books, ref)
        revise(books, project)
        post(books, { budget: ref, generation: rule.budget.generation, kind: 'deleted', actor, note: '' })
      }),
    grant: (project, id, given, actor, grantId = randomUUID()) =>
      write(() => {
        const grant = { ...given, id: grantId }
        const line = ({ unit }: Budget) => ({ kind: 'granted' as const, actor, note: grantNote(unit, grant) })
        return change(project, id, (budget) => withGrant(budget, grant, now()), line)
      }),
    revokeGrant: (project, id, grantId, actor) =>
      write(() => {
        const line = () => ({ kind: 'revoked' as const, actor, note: grantId })
        return change(project, id, (budget) => withoutGrant(budget, grantId, now()), line)
      }),
    reset: (project, id, actor, note) =>
      write((): Balance => {
        const { ref, rule } = findBudget(books, project, id)
        const { budget, taken } = resetBudget(rule, now(), readBuckets(books, ref, rule))
        const line = { budget: ref, generation: budget.generation, kind: 'reset', actor, note } as const
        for (const own of taken) post(books, { ...line, ...own })
        if (taken.length === 0) post(books, line)
        save(books, ref, budget)
        return readBalance(books, ref, compileRule(budget))
      }),
    correct: (project, id, correction) => write(() => correct(books, findBudget(books, project, id), correction)),
    entries: async (project, id, { after, pageSize }) => {
      if (after !== undefined && !/^\d{1,18}$/.test(after))
        throw new SpanledgerError('budget/invalid', 'pageToken is not one of this list; start again without it')
      const row = db.get('SELECT ref, body FROM budgets WHERE project = ? AND id = ?', project, id)
      if (row === undefined) throw new SpanledgerError('budget/not-found', `there is no budget "${id}"`)
      const rows = db.all(
        'SELECT * FROM entries WHERE budget = ? AND ref < ? ORDER BY ref DESC LIMIT ?',
        row.ref as bigint,
        after === undefined ? 2n ** 62n : BigInt(after),
        pageSize + 1,
      )
      const budget = budgetFromJson(String(row.body))
      const items = rows.slice(0, pageSize).map((line) => toEntry(budget, line))
      return { items, next: rows.length > pageSize ? (items.at(-1)?.id ?? null) : null }
    },

    projects: async () => db.all('SELECT DISTINCT project FROM budgets').map(({ project }) => String(project)),
    spanSums: async (project, id) => spanSums(books, findBudget(books, project, id)),
    debit: async (batches, options) =>
      relaxed.transact(() => {
        if (now() - prunedAt >= PRUNE_EVERY_MS) {
          prunedAt = now()
          prune(bulk)
        }
        return debit(bulk, batches, options?.reason)
      }),
    backfill: async (project, _id, charges) => relaxed.transact(() => backfill(bulk, project, charges)),
    backfilled: (project, id, generation) =>
      write(() => {
        const { ref, rule } = findBudget(books, project, id)
        if (rule.budget.generation === generation) save(books, ref, { ...rule.budget, backfill: 'done' })
      }),

    reserve: (request) => write(() => reserve(books, request)),
    settle: (project, id, amounts, actor) => write(() => settle(books, project, id, { amounts, actor })),
    release: (project, id) => write(() => release(books, project, id)),
    lease: (request) => write(() => lease(books, request)),
    returnLease: (project, id, used) => write(() => returnLease(books, project, id, used)),
    reservation: async (project, id) => reservation(books, project, id),
    balances: async (project, subject) => balancesFor(books, project, subject),

    estimate: async (project, model) => readEstimate(books, project, model),

    dueAlerts: async (limit) => dueAlerts(bulk, limit),
    alertsPublished: async (ids) => relaxed.transact(() => alertsPublished(bulk, ids)),
    counts: async (project) => {
      const row = db.get('SELECT handled FROM projects WHERE project = ?', project)
      return { stored: (row?.handled ?? 0n) as bigint, duplicates: 0n }
    },
    close: async () => {
      relaxed.close()
      db.close()
    },
  }
}

function save(books: Books, ref: bigint, budget: Budget): void {
  books.db.run('UPDATE budgets SET body = ?, deleted = 0 WHERE ref = ?', budgetToJson(budget), ref)
  revise(books, budget.project)
}

/** Tells every thread that the project's budgets have changed. */
function revise({ db }: Books, project: string): void {
  db.run('INSERT INTO projects VALUES (?, 1, 0) ON CONFLICT DO UPDATE SET revision = revision + 1', project)
}

function toEntry(budget: Budget, row: Record<string, unknown>): Entry {
  return {
    id: String(row.ref),
    at: Number(row.at),
    kind: row.kind as EntryKind,
    actor: String(row.actor),
    generation: Number(row.generation),
    bucket: row.bucket === null ? null : Number(row.bucket),
    amount: row.amount as bigint,
    unit: unitOf(budget, Number(row.generation)),
    spans: Number(row.spans),
    note: String(row.note),
  }
}

/** Runs the writes of one moment in one transaction, each failing alone: one fsync for all of them. */
function groupCommit({ db, projects }: Books): <T>(work: () => T) => Promise<T> {
  let waiting: (() => () => void)[] = []
  const flush = () => {
    const works = waiting
    waiting = []
    let answers: (() => void)[]
    try {
      answers = db.transact(() => works.map((work) => work()))
    } catch (error) {
      projects.clear()
      for (const work of works) rejections.get(work)?.(error)
      return
    }
    for (const answer of answers) answer()
  }
  const rejections = new WeakMap<() => () => void, (error: unknown) => void>()
  return <T>(work: () => T) =>
    new Promise<T>((resolve, reject) => {
      const run = () => {
        try {
          const result = db.transact(work)
          return () => resolve(result)
        } catch (error) {
          // What was compiled from changes that are now undone must not be taken for their revision.
          projects.clear()
          return () => reject(error)
        }
      }
      rejections.set(run, reject)
      if (waiting.length === 0) setImmediate(flush)
      waiting.push(run)
    })
}
