import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { buildSpan } from '../../test/support/span.ts'
import { EMPTY_LEDGER, type PricedSpan, RESERVATION_ATTRIBUTE } from '../spans/ledger.ts'
import { openSqliteStore } from '../warehouse/sqlite-store.ts'
import type { TraceStore } from '../warehouse/trace-store.ts'
import { chargesOf } from './charge.ts'
import { digestOf, NOON, termsOf } from './ledger.fixtures.ts'
import type { BudgetLedger } from './ledger.ts'
import { reconcile } from './reconcile.ts'
import { openSqliteLedger } from './sqlite-ledger.ts'

let directory: string
let path: string
let now: number
let ledger: BudgetLedger
let store: TraceStore

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'spanledger-reconcile-'))
  path = join(directory, 'budgets.sqlite')
  now = NOON
  ledger = openSqliteLedger({ path, now: () => now })
  store = await openSqliteStore({ path: ':memory:' })
})
afterEach(async () => {
  await Promise.all([ledger.close(), store.close()])
  rmSync(directory, { recursive: true, force: true })
})

interface Call {
  readonly id: number
  readonly at: number
  readonly cost: number | null
  readonly user: string
  readonly reservation?: string | undefined
}

function toSpan({ id, at, cost, user, reservation }: Call): PricedSpan {
  const span = buildSpan({ traceId: '1', spanId: id.toString(16) })
  const time = BigInt(at) * 1_000_000n
  const attributes = new Map(span.attributes)
  if (reservation !== undefined) attributes.set(RESERVATION_ATTRIBUTE, reservation)
  const money = cost === null ? {} : { costStatus: 'priced' as const, costPicoUsd: BigInt(cost) }
  return {
    span: { ...span, attributes, startTimeUnixNano: time, endTimeUnixNano: time + 1n },
    ledger: { ...EMPTY_LEDGER, operation: 'chat', model: 'm', userId: user, ...money },
  }
}

async function debit(project: string, name: string, calls: readonly Call[]): Promise<void> {
  const rules = await ledger.rules(project)
  const charges = chargesOf(rules, calls.map(toSpan))
  await ledger.debit([
    { project, digest: digestOf(project + name), spans: calls.length, revision: rules.revision, ...charges },
  ])
}

async function keep(project: string, name: string, calls: readonly Call[], keyId?: string): Promise<void> {
  const context = { project, digest: digestOf(project + name), ingestedAt: BigInt(now) * 1_000_000n }
  const sender = keyId === undefined ? {} : { keyId }
  await store.write([{ context: { ...context, ...sender }, spans: calls.map(toSpan) }])
}

async function arrive(project: string, name: string, calls: readonly Call[]): Promise<void> {
  await debit(project, name, calls)
  await keep(project, name, calls)
}

const put = (project: string, id: string, changes: Parameters<typeof termsOf>[0] = {}) =>
  ledger.put(project, id, termsOf({ limit: 100_000n, thresholds: [], ...changes }), '')
const whole = async (project: string, id: string) => {
  const { budget } = await ledger.get(project, id)
  await ledger.backfilled(project, id, budget.generation)
}
const spent = async (project: string, id: string) => (await ledger.get(project, id)).position.spent
const sources = () => ({
  ...{ ledger, reader: store, now: () => now },
  isIdle: async () => true,
  pause: async () => undefined,
})
const run = (project: string) => reconcile(sources(), { project })

/** Forgets a part of what spans have brought to a bucket, as if their debit had been lost. */
function lose(project: string, id: string, share: number): void {
  const file = new DatabaseSync(path)
  const rows = file
    .prepare(
      `SELECT entries.ref AS ref, balances.ref AS balance, entries.amount AS amount FROM entries
       JOIN budgets ON budgets.ref = entries.budget
       JOIN balances ON balances.budget = entries.budget AND balances.generation = entries.generation AND balances.start = entries.bucket
       WHERE entries.kind = 'debited' AND budgets.project = ? AND budgets.id = ?`,
    )
    .all(project, id)
  for (const { ref, balance, amount } of rows) {
    const lost = Math.floor(Number(amount) * share)
    file.prepare('UPDATE entries SET amount = amount - ? WHERE ref = ?').run(lost, ref as number)
    file.prepare('UPDATE balances SET spent = spent - ? WHERE ref = ?').run(lost, balance as number)
  }
  file.close()
}

test('what is settled and not yet there, and what was taken back, is no difference', async () => {
  await put('p', 'b')
  await whole('p', 'b')
  const reserve = async (key: string) => {
    const amounts = { usd: 50n, tokens: 1n, requests: 1n }
    const result = await ledger.reserve({ project: 'p', idempotencyKey: key, subject: {}, amounts, ttlMs: 60_000 })
    if (result.kind === 'denied') throw new Error('denied')
    return result.reservation.id
  }
  const [first, second] = [await reserve('k1'), await reserve('k2')]
  await ledger.settle('p', first, { usd: 30n })
  await ledger.settle('p', second, { usd: 20n })
  await arrive('p', 'm', [{ id: 1, at: now, cost: 28, user: 'a', reservation: first }])
  expect(await spent('p', 'b')).toBe(48n)
  expect((await run('p')).differences).toEqual([])
  expect(await spent('p', 'b')).toBe(48n)
})

test('a span is charged to the budgets of its reservation or lease, whatever it says; unknown where that is forgotten', async () => {
  await put('p', 'b', { selector: { user: ['a'] } })
  await whole('p', 'b')
  const amounts = { usd: 50n, tokens: 1n, requests: 1n }
  const leased = await ledger.lease({
    project: 'p',
    idempotencyKey: 'k',
    subject: { user: 'a' },
    amounts,
    ttlMs: 60_000,
  })
  if (leased.kind === 'denied') throw new Error('denied')
  const { id: reservation } = leased.reservation
  await arrive('p', 'm', [{ id: 1, at: now, cost: 28, user: 'someone else', reservation }])
  expect(await spent('p', 'b')).toBe(28n)
  expect((await run('p')).differences).toEqual([])
  lose('p', 'b', 0.5)
  expect((await run('p')).differences).toMatchObject([{ ledger: 14n, warehouse: 28n }])
  lose('p', 'b', 0.5)
  const file = new DatabaseSync(path)
  file.exec('DELETE FROM reservations')
  file.close()
  expect(await run('p')).toMatchObject({ differences: [], skipped: [{ budgetId: 'b' }] })
})

test('a budget that asks another question while it is compared is left for the next run', async () => {
  await put('p', 'b')
  await whole('p', 'b')
  await arrive('p', 'm', [{ id: 1, at: now, cost: 10, user: 'a' }])
  lose('p', 'b', 0.5)
  const { spanSums } = ledger
  let asked = 0
  const changing = {
    ...ledger,
    spanSums: async (project: string, id: string) => {
      const sums = await spanSums(project, id)
      if (++asked === 3) await put('p', 'b', { selector: { user: ['z'] } })
      return sums
    },
  }
  const report = await reconcile({ ...sources(), ledger: changing }, { project: 'p' })
  expect(report).toMatchObject({ differences: [], skipped: [{ budgetId: 'b' }] })
  expect(await spent('p', 'b')).toBe(0n)
})

test('a backfill that was cut off is finished; in a dry run the budget is left alone', async () => {
  await put('p', 'b')
  await keep('p', 'm', [{ id: 1, at: now, cost: 10, user: 'a' }])
  const dry = await reconcile(sources(), { project: 'p', dryRun: true })
  expect(dry).toMatchObject({ differences: [], skipped: [{ budgetId: 'b', bucket: null }] })
  expect(await run('p')).toMatchObject({ differences: [], skipped: [] })
  expect(await spent('p', 'b')).toBe(10n)
  expect((await ledger.get('p', 'b')).budget.backfill).toBe('done')
})

test('a grant that parts a period into buckets anew is no difference', async () => {
  await put('p', 'b')
  await whole('p', 'b')
  await arrive('p', 'm', [{ id: 1, at: now + 1_000, cost: 10, user: 'a' }])
  await ledger.grant('p', 'b', { amount: 5n, from: now, to: now + 60_000, note: '' }, '')
  expect(await run('p')).toMatchObject({ differences: [], skipped: [] })
})

test('a budget for keys counted from when it was made and was never compared, for which key sent a span was not stored', async () => {
  const calls = [1, 2, 3, 4].map((id) => ({ id, at: now, cost: 10 ** id, user: 'a' }))
  await debit('p', 'before', calls.slice(0, 1))
  await keep('p', 'before', calls.slice(0, 1), 'k1')
  await keep('p', 'not debited', calls.slice(1, 2), 'k1')
  await keep('p', 'of another key', calls.slice(2, 3), 'k2')
  await keep('p', 'of none', calls.slice(3), '')
  await put('p', 'b', { selector: { key: ['k1'] } })
  expect(await run('p')).toMatchObject({ skipped: [] })
  expect(await spent('p', 'b')).toBe(110n)
  lose('p', 'b', 0.5)
  now += 3_600_000
  expect(await run('p')).toMatchObject({ differences: [{ ledger: 55n, warehouse: 110n }], skipped: [] })
  expect(await spent('p', 'b')).toBe(110n)
})

test('a budget for keys is left alone where it is not known which key sent a span, as before that was stored', async () => {
  await put('p', 'b', { selector: { key: ['k1'] } })
  await whole('p', 'b')
  const rules = await ledger.rules('p')
  const calls = [{ id: 1, at: now, cost: 10, user: 'a' }]
  const batch = { project: 'p', digest: digestOf('m'), spans: 1, revision: rules.revision }
  await ledger.debit([{ ...batch, ...chargesOf(rules, calls.map(toSpan), 'k1') }])
  await keep('p', 'm', calls, undefined)
  expect(await run('p')).toMatchObject({ differences: [], skipped: [{ budgetId: 'b' }] })
  expect(await spent('p', 'b')).toBe(10n)
})

test('budgets whose time has too many spans are left alone, the longest first', async () => {
  await put('p', 'day')
  await put('p', 'hour', { period: 'hour' })
  for (const id of ['day', 'hour']) await whole('p', id)
  const calls = [-3, -3, 0].map((hours, i) => ({ id: i + 1, at: now + hours * 3_600_000, cost: 10, user: 'a' }))
  await keep('p', 'm', calls)
  const few = await reconcile(sources(), { project: 'p', maxSpans: 2 })
  expect(few).toMatchObject({
    differences: [{ budget: { id: 'hour' }, warehouse: 10n }],
    skipped: [{ budgetId: 'day' }],
  })
  expect((await reconcile(sources(), { project: 'p', maxSpans: 0 })).skipped).toHaveLength(2)
  expect((await reconcile(sources(), { project: 'p', maxSpans: 3 })).differences).toMatchObject([{ warehouse: 30n }])
})

test('what began before, or is of another budget, is left alone', async () => {
  await put('p', 'b')
  await whole('p', 'b')
  await arrive('p', 'm', [{ id: 1, at: now, cost: 10, user: 'a' }])
  lose('p', 'b', 1)
  expect((await reconcile(sources(), { project: 'p', from: now })).differences).toEqual([])
  expect((await reconcile(sources(), { project: 'p', budgetId: 'other' })).budgets).toBe(0)
  expect((await run('p')).differences).toHaveLength(1)
})
