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
  readonly user: string
}

function toSpan({ at, length, cost, user }: Call, index: number): PricedSpan {
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
      userId: user,
    },
  }
}

test('a backtest blocks just the calls that live enforcement blocks on the same traffic', async () => {
  const anyCall = fc.record({
    at: fc.integer({ min: 0, max: 40 }).map((n) => START + (n * HOUR) / 2),
    length: fc.integer({ min: 1, max: 3 * HOUR }),
    cost: fc.integer({ min: 0, max: 40 }),
    user: fc.constantFrom('a', 'b'),
  })
  const anyTerms = fc.record({
    limit: fc.bigInt(10n, 120n),
    period: fc.constantFrom('hour' as const, 'day' as const, { rollingSeconds: 6 * 3_600 }),
    timeZone: fc.constantFrom('UTC', 'Europe/Zurich'),
    selector: fc.constantFrom({}, { user: ['a'] }),
    carryOver: fc.constantFrom('none' as const, 'all' as const, { cap: 20n }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(anyCall, { maxLength: 25 }), anyTerms, async (calls, changes) => {
      const terms = termsOf({ ...changes, thresholds: [] })
      const spans = calls.toSorted((a, b) => a.at - b.at).map(toSpan)
      const backtest = createBacktest(terms, START)
      const blocked = backtest.add(spans)

      let now = START
      const ledger = openSqliteLedger({ path: ':memory:', now: () => now })
      await ledger.put('p', 'b', terms, '')
      const rules = await ledger.rules('p')
      const running: { end: number; priced: PricedSpan; reservation: string }[] = []
      const denied: string[] = []
      for (const priced of spans) {
        const { traceId, spanId, startTimeUnixNano, endTimeUnixNano } = priced.span
        now = Number(startTimeUnixNano / 1_000_000n)
        for (const call of running.splice(0)) {
          if (call.end > now) {
            running.push(call)
            continue
          }
          const attributes = new Map([['spanledger.reservation', call.reservation]])
          const charged = chargesOf(rules, [{ ...call.priced, span: { ...call.priced.span, attributes } }])
          const { revision } = rules
          const digest = digestOf(call.reservation)
          await ledger.debit([{ project: 'p', digest, spans: 1, revision, ...charged }])
        }
        const result = await ledger.reserve({
          project: 'p',
          idempotencyKey: spanId,
          subject: { user: priced.ledger.userId },
          amounts: { usd: priced.ledger.costPicoUsd ?? 0n, tokens: 0n, requests: 1n },
          ttlMs: 1_000 * HOUR,
        })
        if (result.kind === 'denied') denied.push(`${traceId}:${spanId}`)
        else running.push({ end: Number(endTimeUnixNano / 1_000_000n), priced, reservation: result.reservation.id })
      }
      expect(blocked).toEqual(denied)
      expect(backtest.report().blocked).toBe(denied.length)
      await ledger.close()
    }),
    { numRuns: 60 },
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
