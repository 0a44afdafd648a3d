import { SpanledgerError } from '../../errors.ts'
import { checkAmount } from '../amount.ts'
import { budgetFromJson } from '../budget.ts'
import { compileRule, type Rule, type Rules, rulesOf } from '../charge.ts'
import type { Balance, EntryLine } from '../ledger.ts'
import { type Bucket, lookback, positionOf } from '../position.ts'
import type { Database } from './database.ts'
import { heldOf } from './holds.ts'

/** One project's budgets at one revision, and their rows. */
export interface Project {
  readonly rules: Rules
  /** By id; `body` is what a rule was compiled from. */
  readonly refs: ReadonlyMap<string, { readonly ref: bigint; readonly body: string; readonly rule: Rule }>
}

/** What every part of the SQLite ledger needs. */
export interface Books {
  readonly db: Database
  readonly now: () => number
  readonly projects: Map<string, Project>
}

/** Projects whose budgets are kept compiled. */
const MAX_PROJECTS = 1_000

/** The project's budgets as they are now: those that have changed are compiled again. */
export function readProject(books: Books, project: string): Project {
  const { db, projects } = books
  const revision = Number(db.get('SELECT revision FROM projects WHERE project = ?', project)?.revision ?? 0)
  const known = projects.get(project)
  if (known !== undefined && known.rules.revision === revision) return known
  const rows = db.all('SELECT ref, id, body FROM budgets WHERE project = ? AND deleted = 0 ORDER BY id', project)
  const refs = new Map(
    rows.map(({ ref, id, body }) => {
      const before = known?.refs.get(String(id))
      const same = before?.body === body && before?.ref === ref ? before : undefined
      const rule = same?.rule ?? compileRule(budgetFromJson(String(body)))
      return [String(id), { ref: ref as bigint, body: String(body), rule }]
    }),
  )
  const rules = rulesOf(
    Array.from(refs.values(), ({ rule }) => rule),
    revision,
  )
  if (projects.size >= MAX_PROJECTS) projects.clear()
  projects.set(project, { rules, refs })
  return { rules, refs }
}

/** The budget `id`; throws `budget/not-found`. */
export function findBudget(books: Books, project: string, id: string): { readonly ref: bigint; readonly rule: Rule } {
  const found = readProject(books, project).refs.get(id)
  if (found === undefined) throw new SpanledgerError('budget/not-found', `there is no budget "${id}"`)
  return found
}

/** All buckets that bear on where a budget stands at `at`, in order of start. */
export function readBuckets({ db, now }: Books, ref: bigint, { budget, calendar }: Rule, at = now()): Bucket[] {
  return db
    .all(
      'SELECT start, spent, unknown FROM balances WHERE budget = ? AND generation = ? AND start >= ? ORDER BY start',
      ref,
      budget.generation,
      lookback(budget, calendar, at),
    )
    .map(({ start, spent, unknown }) => ({
      start: Number(start),
      spent: spent as bigint,
      unknown: Number(unknown),
    }))
}

/** Where a budget stands at `at`. */
export function readBalance(books: Books, ref: bigint, rule: Rule, at = books.now()): Balance {
  const { budget, calendar } = rule
  const buckets = readBuckets(books, ref, rule, at)
  return { budget, position: positionOf(budget, calendar, at, buckets, heldOf(books, ref)) }
}

/** The row of a bucket, made if it is not there. */
export function bucketRow(
  { db }: Books,
  budget: bigint,
  generation: number,
  start: number,
): { readonly ref: bigint; readonly spent: bigint; readonly unknown: bigint } {
  const row = db.get(
    'SELECT ref, spent, unknown FROM balances WHERE budget = ? AND generation = ? AND start = ?',
    budget,
    generation,
    start,
  )
  if (row !== undefined) return row as { ref: bigint; spent: bigint; unknown: bigint }
  const made = db.get(
    'INSERT INTO balances (budget, generation, start, spent, unknown) VALUES (?, ?, ?, 0, 0) RETURNING ref',
    budget,
    generation,
    start,
  )
  return { ref: made?.ref as bigint, spent: 0n, unknown: 0n }
}

/** What is written about a change, and of which count. */
export interface Line extends EntryLine {
  readonly budget: bigint
  readonly generation: number
}

/** Changes a bucket's sum and writes the line that says so, or writes a line that changes no sum. */
export function post(books: Books, line: Line): void {
  const { db } = books
  const { budget, generation, kind, actor, note, bucket, amount = 0n, spans = 0 } = line
  if (bucket !== undefined && amount !== 0n) {
    const { ref, spent } = bucketRow(books, budget, generation, bucket)
    db.run('UPDATE balances SET spent = ? WHERE ref = ?', checkAmount(spent + amount), ref)
  }
  db.run(
    'INSERT INTO entries (budget, at, kind, actor, generation, bucket, amount, spans, note) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
    budget,
    books.now(),
    kind,
    actor,
    generation,
    bucket ?? null,
    amount,
    spans,
    note,
  )
}
