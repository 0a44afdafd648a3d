import fc from 'fast-check'
import { expect, test } from 'vitest'
import { buildSpan } from '../../test/support/span.ts'
import { EMPTY_LEDGER, type PricedSpan } from '../spans/ledger.ts'
import { createBacktest } from './backtest.ts'
import { chargesOf } from './charge.ts'
import { digestOf, termsOf } from './ledger.fixtures.ts'
import { openSqliteLedger } from './sqlite-ledger.ts'

const START = Date.UTC(2026, 2, 28, 20)
const HOUR = 3_600_000

interface Call {
  readonly at: number
  readonly length: number
  readonly cost: number
  /** What it was taken to cost before a correction said `cost`; undefined if there was none. */
  readonly firstCost?: number | undefined
  readonly user: string
}

/** A call as the warehouse has it: at what it cost in the end. */
function toSpan({ at, length, cost, firstCost, user }: Call, index: number): PricedSpan {
  const span = buildSpan({ traceId: '1', spanId: (index + 1).toString(16) })
  return {
    span: {
      ...span,
      startTimeUnixNano: BigInt(at) * 1_000_000n,
      endTimeUnixNano: BigInt(at + length) * 1_000_000n,
    },
    ledger: {
      ...EMPTY_LEDGER,
      operation: 'chat',
      model: 'm',
      costStatus: 'priced',
      costPicoUsd: BigInt(cost),
      totalTokens: cost,
      userId: user,
      revision: firstCost === undefined ? 0 : 1,
    },
  }
}

/** The messages that a call came in: itself, and the correction of its price. */
function messagesOf(priced: PricedSpan, { firstCost }: Call, reservation: string): PricedSpan[] {
  const attributes = new Map([['spanledger.reservation', reservation]])
  const first = { costPicoUsd: BigInt(firstCost ?? 0), totalTokens: firstCost ?? 0, revision: 0 }
  const correction = firstCost === undefined ? [] : [priced]
  const arrived = firstCost === undefined ? priced : { ...priced, ledger: { ...priced.ledger, ...first } }
  return [{ ...arrived, span: { ...arrived.span, attributes } }, ...correction]
}

test('a backtest blocks just the calls that live enforcement blocks on the same traffic, with grants and corrected prices', async () => {
  const anyCall = fc.record({
    at: fc.integer({ min: 0, max: 40 }).map((n) => START + (n * HOUR) / 2),
    length: fc.integer({ min: 1, max: 3 * HOUR }),
    cost: fc.integer({ min: 0, max: 40 }),
    firstCost: fc.option(fc.integer({ min: 0, max: 60 }), { nil: undefined, freq: 2 }),
    user: fc.constantFrom('a', 'b'),
  })
  const anyGrant = fc
    .record({
      amount: fc.bigInt(1n, 60n),
      from: fc.integer({ min: 0, max: 20 * 4 }),
      length: fc.integer({ min: 1, max: 40 }),
    })
    .map(({ amount, from, length }) => ({
      ...{ amount, note: '' },
      ...{ from: START + (from * HOUR) / 4, to: START + ((from + length) * HOUR) / 4 },
    }))
  const anyTerms = fc.record({
    unit: fc.constantFrom('usd' as const, 'tokens' as const),
    limit: fc.bigInt(10n, 120n),
    period: fc.constantFrom('hour' as const, 'day' as const, { rollingSeconds: 6 * 3_600 }),
    timeZone: fc.constantFrom('UTC', 'Europe/Zurich'),
    selector: fc.constantFrom({}, { user: ['a'] }),
    carryOver: fc.constantFrom('none' as const, 'all' as const, { cap: 20n }),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyCall, { maxLength: 25 }),
      anyTerms,
      fc.array(anyGrant, { maxLength: 3 }),
      async (given, changes, grants) => {
        const terms = termsOf({ ...changes, thresholds: [] })
        const calls = given.toSorted((a, b) => a.at - b.at)
        let now = START
        const ledger = openSqliteLedger({ path: ':memory:', now: () => now })
        await ledger.put('p', 'b', terms, '')
        for (const grant of grants) await ledger.grant('p', 'b', grant, '')
        const rules = await ledger.rules('p')
        const spans = calls.map(toSpan)
        const backtest = createBacktest(terms, START, rules.rules[0]?.budget.grants)
        const blocked = backtest.add(spans)

        const running: { end: number; messages: readonly PricedSpan[] }[] = []
        const denied: string[] = []
        for (const [i, priced] of spans.entries()) {
          const { traceId, spanId, startTimeUnixNano, endTimeUnixNano } = priced.span
          now = Number(startTimeUnixNano / 1_000_000n)
          for (const call of running.splice(0)) {
            if (call.end > now) {
              running.push(call)
              continue
            }
            for (const [part, message] of call.messages.entries()) {
              const digest = digestOf(`${message.span.spanId} ${part}`)
              const batch = { project: 'p', digest, spans: 1, revision: rules.revision }
              await ledger.debit([{ ...batch, ...chargesOf(rules, [message]) }])
            }
          }
          const cost = priced.ledger.costPicoUsd ?? 0n
          const result = await ledger.reserve({
            project: 'p',
            idempotencyKey: spanId,
            subject: { user: priced.ledger.userId },
            amounts: { usd: cost, tokens: cost, requests: 1n },
            ttlMs: 1_000 * HOUR,
          })
          if (result.kind === 'denied') denied.push(`${traceId}:${spanId}`)
          else {
            const messages = messagesOf(priced, calls[i] as Call, result.reservation.id)
            running.push({ end: Number(endTimeUnixNano / 1_000_000n), messages })
          }
        }
        expect(blocked).toEqual(denied)
        expect(backtest.report().blocked).toBe(denied.length)
        await ledger.close()
      },
    ),
    { numRuns: 100 },
  )
})

test('it tells what would have been saved, period by period', () => {
  const calls = [40, 70, 50].map((cost, i) => ({ at: START + i * 2 * HOUR, length: 10, cost, user: 'a' }))
  const backtest = createBacktest(termsOf({ limit: 100n }), START)
  backtest.add(calls.map(toSpan))
  expect(backtest.report()).toMatchObject({
    calls: 3,
    blocked: 1,
    spent: 90n,
    saved: 70n,
    firstBlockedAt: START + 2 * HOUR,
    periods: [
      { period: '2026-03-28', calls: 2, blocked: 1, spent: 40n, saved: 70n },
      { period: '2026-03-29', calls: 1, blocked: 0, spent: 50n, saved: 0n },
    ],
  })
})
