import { Firestore } from '@google-cloud/firestore'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { canRun, type Emulator, planFirestore, startEmulator } from '../../test/emulators/emulator.ts'
import { countOperations, type Operations } from '../../test/support/firestore-operations.ts'
import { type FirestoreLedgerOptions, openFirestoreLedger } from './firestore-ledger.ts'
import { batchOf, debit, NOON, type TestSpan, termsOf } from './ledger.fixtures.ts'

const plan = planFirestore()
let emulator: Emulator
let used = 0

/** A message of 512 spans, as a collector sends them. */
const BATCH: readonly TestSpan[] = Array.from({ length: 512 }, (_, i) => ({
  ...{ trace: 1 + (i >> 3), span: i + 1, at: NOON },
  amounts: { usd: 1n, tokens: 10n, requests: 1n },
}))

describe.skipIf(!canRun('Firestore', plan))('debits on the Firestore emulator', () => {
  beforeAll(async () => {
    emulator = await startEmulator(plan)
  })
  afterAll(() => emulator?.stop())

  const connect = () => new Firestore({ projectId: 'debit', host: emulator.host, ssl: false })
  const open = (firestore: Firestore, options: Partial<FirestoreLedgerOptions> = {}) =>
    openFirestoreLedger({ firestore, prefix: `debit${used++}`, now: () => NOON, debitEveryMs: 0, ...options })

  test.each([0, 1, 5])('a message of 512 spans and %i budgets: a claim, and one write a budget', async (budgets) => {
    const firestore = connect()
    const counts = countOperations(firestore)
    const ledger = open(firestore)
    for (let i = 0; i < budgets; i++) {
      const [unit, period] = [(['usd', 'tokens', 'requests'] as const)[i % 3], (['day', 'hour'] as const)[i % 2]]
      await ledger.put(
        'p',
        `b${i}`,
        termsOf({ limit: 10n ** 9n, ...(unit && { unit }), ...(period && { period }) }),
        '',
      )
    }
    const measure = async (work: () => Promise<unknown>): Promise<Operations> => {
      const before = { ...counts }
      await work()
      return { reads: counts.reads - before.reads, writes: counts.writes - before.writes }
    }
    await debit(ledger, 'first', [{ trace: 9, span: 9_999, at: NOON, amounts: { usd: 1n } }])
    const batch = await batchOf(ledger, 'p', 'm', BATCH)
    const first = await measure(() => ledger.debit([batch]))
    const again = await measure(() => ledger.debit([batch]))
    // Where there is no budget, a counter tells how many spans were seen.
    expect(first.writes).toBe(budgets === 0 ? 2 : 1 + budgets)
    expect(first.reads).toBe(2 + budgets + (budgets === 0 ? 0 : Math.ceil(512 / 30)))
    expect(again).toEqual({ reads: 2 + budgets, writes: 0 })
    expect((await ledger.counts('p')).stored).toBe(513n)
    for (const { position } of (await ledger.list('p', { pageSize: 10 })).items)
      expect(position.spent).toBeGreaterThan(511n)
    await ledger.close()
  })

  test('messages of the same moment share the write of each budget', async () => {
    const firestore = connect()
    const counts = countOperations(firestore)
    const ledger = open(firestore)
    await ledger.put('p', 'b', termsOf(), '')
    const batches = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        batchOf(
          ledger,
          'p',
          `m${i}`,
          [1, 2].map((span) => ({ trace: 1, span: i + span, at: NOON, amounts: { usd: 5n } })),
        ),
      ),
    )
    const before = counts.writes
    expect(await ledger.debit(batches)).toEqual(batches.map(() => 'debited'))
    expect(counts.writes - before).toBe(10 + 1)
    expect((await ledger.get('p', 'b')).position.spent).toBe(55n)
    await ledger.close()
  })

  test('a budget that is debited all the time is written once in a while', async () => {
    const firestore = connect()
    const counts = countOperations(firestore)
    const ledger = open(firestore, { debitEveryMs: 100 })
    await ledger.put('p', 'b', termsOf(), '')
    const before = counts.writes
    const started = performance.now()
    await Promise.all(
      Array.from({ length: 5 }, async (_, client) => {
        for (let i = 0; i < 4; i++) {
          await debit(ledger, `${client}/${i}`, [
            { trace: 1, span: client * 10 + i + 1, at: NOON, amounts: { usd: 1n } },
          ])
        }
      }),
    )
    const writings = counts.writes - before - 20
    expect(writings).toBeLessThanOrEqual(1 + (performance.now() - started) / 100)
    expect(writings).toBeLessThan(20)
    expect((await ledger.get('p', 'b')).position.spent).toBe(20n)
    await ledger.close()
  })

  test.each([
    ['aborted before', 10, false],
    ['unavailable before', 14, false],
    ['unavailable after', 14, true],
    ['deadline exceeded after', 4, true],
  ] as const)('one %s the commit is neither a free call nor two (lessons: budgets 4)', async (_, code, after) => {
    const firestore = connect()
    let fail = false
    const batch = firestore.batch.bind(firestore)
    firestore.batch = () => {
      const made = batch()
      const commit = made.commit.bind(made)
      made.commit = async () => {
        if (!fail) return commit()
        fail = false
        if (after) await commit()
        throw Object.assign(new Error('cut'), { code })
      }
      return made
    }
    const ledger = open(firestore)
    await ledger.put('p', 'b', termsOf({ limit: 10n, thresholds: [0.5] }), '')
    const spans = [{ trace: 1, span: 1, at: NOON, amounts: { usd: 6n } }]
    fail = true
    const first = await debit(ledger, 'm', spans).catch((error) => error.code)
    expect(first).toBe(code === 10 ? 'debited' : 'store/unavailable')
    expect(await debit(ledger, 'm', spans)).toBe(after || code === 10 ? 'duplicate' : 'debited')
    expect((await ledger.get('p', 'b')).position.spent).toBe(6n)
    expect((await ledger.counts('p')).stored).toBe(1n)
    expect(await ledger.dueAlerts(10)).toHaveLength(1)
    await ledger.close()
  })

  test('what is raised here is due at once, what another instance raised and did not publish a little later, and a look for nothing is not repeated', async () => {
    const prefix = `debit${used++}`
    let now = NOON
    const firestore = connect()
    const counts = countOperations(firestore)
    const [ledger, other] = [firestore, connect()].map((client) => open(client, { prefix, now: () => now }))
    const cross = (from: typeof ledger, span: number) =>
      debit(from!, `m${span}`, [{ trace: 1, span, at: NOON, amounts: { usd: 5n } }])
    const due = async () => (await ledger!.dueAlerts(10)).map(({ threshold }) => threshold)
    await ledger!.put('p', 'b', termsOf({ limit: 10n, thresholds: [0.5, 1] }), '')
    const before = counts.reads
    for (let second = 0; second < 59; second++) {
      expect(await due()).toEqual([])
      now += 1_000
    }
    expect(counts.reads - before).toBe(1)
    await cross(other, 1)
    expect(await due()).toEqual([])
    now += 1_000
    // It is about to be published by the one that raised it: two published it, and people were told twice.
    expect(await due()).toEqual([])
    expect(await other!.dueAlerts(10)).toHaveLength(1)
    now += 9_000
    expect(await due()).toEqual([0.5])
    // It was not published: it stays due, however often it is asked for.
    const [alert] = await ledger!.dueAlerts(10)
    await ledger!.alertsPublished([alert!.id])
    expect(await due()).toEqual([])
    await cross(ledger, 2)
    expect(await due()).toEqual([1])
    await Promise.all([ledger!.close(), other!.close()])
  })

  test('a change of one of many budgets had each instance read all of them', async () => {
    const prefix = `debit${used++}`
    const firestore = connect()
    const counts = countOperations(firestore)
    const [ledger, other] = [firestore, connect()].map((client) => open(client, { prefix }))
    const put = (id: string, limit: bigint) => other!.put('p', id, termsOf({ limit }), '')
    const look = async () => {
      const before = counts.reads
      const { rules } = await ledger!.rules('p')
      return { reads: counts.reads - before, limits: rules.map(({ budget }) => `${budget.id} ${budget.limit}`) }
    }
    for (let i = 0; i < 9; i++) await put(`b${i}`, 1n)
    const first = await look()
    // Whether any has changed.
    const { reads: asked } = await look()
    expect(first.reads).toBe(asked + 9)
    await put('b3', 2n)
    await put('a', 2n)
    await put('b3', 3n)
    await other!.delete('p', 'b4', '')
    const { reads, limits } = await look()
    expect(reads).toBe(asked + 3)
    expect(limits).toEqual(['a 2', 'b0 1', 'b1 1', 'b2 1', 'b3 3', 'b5 1', 'b6 1', 'b7 1', 'b8 1'])
    // Not all that has changed is remembered for who has not looked for long.
    for (let i = 0; i < 51; i++) await put('b0', BigInt(i))
    expect(await look()).toMatchObject({ reads: asked + 10, limits: expect.arrayContaining(['b0 50']) })
    await Promise.all([ledger!.close(), other!.close()])
  })

  test('instances that are told of the same spans at once count each once, whichever is first', async () => {
    const prefix = `debit${used++}`
    const ledgers = [1, 2, 3, 4].map(() => open(connect(), { prefix }))
    const [first] = ledgers
    if (first === undefined) return
    await first.put('p', 'b', termsOf({ limit: 10n ** 9n }), '')
    await first.put('p', 'other', termsOf({ limit: 10n ** 9n }), '')
    const span = (span: number, usd: bigint, revision = 0) => ({
      ...{ trace: 1, span, at: NOON, amounts: { usd }, revision },
      matches: revision === 0 ? ['b'] : [],
    })
    await Promise.all(
      ledgers.flatMap((ledger, i) =>
        Array.from({ length: 10 }, (_, n) => {
          const spans = i === 3 ? [span(n + 1, 7n, 5)] : [span(n + 1, 10n), span(n + 2, 10n)]
          return debit(ledger, `${i}/${n}`, spans)
        }),
      ),
    )
    expect((await first.get('p', 'b')).position.spent).toBe(10n * 7n + 10n)
    expect((await first.get('p', 'other')).position.spent).toBe(0n)
    await Promise.all(ledgers.map((ledger) => ledger.close()))
  })
})
