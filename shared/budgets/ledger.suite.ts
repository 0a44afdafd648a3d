import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { batchOf, debit, termsOf } from './ledger.fixtures.ts'
import { describeLedger, type SuiteOptions } from './ledger-under-test.ts'

const DAY = 86_400_000

export interface LedgerSuiteOptions extends SuiteOptions {
  /** Runs of each property. */
  readonly runs: number
}

/** What every adapter of the ledger must do with what is spent. */
export function ledgerSuite(name: string, { runs, ...options }: LedgerSuiteOptions): void {
  describeLedger(`budget ledger on ${name}`, options, (own) => {
    const { put, position } = own

    describe('debits', () => {
      test('a message is debited once, and all of its spans are counted', async () => {
        await put('b')
        const spans = [1, 2, 3].map((span) => ({ trace: 1, span, at: own.now, amounts: { usd: 10n } }))
        expect(await debit(own.ledger, 'm', spans)).toBe('debited')
        expect(await debit(own.ledger, 'm', spans)).toBe('duplicate')
        expect((await position('b')).spent).toBe(30n)
        expect(await debit(own.ledger, 'other project', spans, 'q')).toBe('debited')
        expect(await own.ledger.counts('p')).toEqual({ stored: 3n, duplicates: 0n })
        expect(await own.ledger.counts('q')).toEqual({ stored: 3n, duplicates: 0n })
        expect(await own.ledger.counts('none')).toEqual({ stored: 0n, duplicates: 0n })
      })

      test('a span debits the period that it began in, however late it comes', async () => {
        await put('b')
        const midnight = Date.UTC(2026, 4, 10)
        await debit(own.ledger, 'm', [
          { trace: 1, span: 1, at: midnight - 1, amounts: { usd: 3n } },
          { trace: 1, span: 2, at: midnight, amounts: { usd: 5n } },
        ])
        expect((await position('b')).spent).toBe(5n)
      })

      test('budgets that have changed meanwhile are read again', async () => {
        await put('a')
        const batch = await batchOf(own.ledger, 'p', 'm', [{ trace: 1, span: 1, at: own.now, amounts: { usd: 1n } }])
        await put('b')
        expect(await own.ledger.debit([batch])).toEqual(['stale'])
        expect(await own.ledger.counts('p')).toEqual({ stored: 0n, duplicates: 0n })
        await debit(own.ledger, 'm', [{ trace: 1, span: 1, at: own.now, amounts: { usd: 1n } }])
        expect([(await position('a')).spent, (await position('b')).spent]).toEqual([1n, 1n])
      })

      test('calls of unknown cost are counted as unknown, never as nothing', async () => {
        await put('b')
        await debit(own.ledger, 'm', [{ trace: 1, span: 1, at: own.now, amounts: { requests: 1n } }])
        expect(await position('b')).toMatchObject({ spent: 0n, unknown: 1 })
      })

      test.each(['last', 'first'])(
        'a correction that comes %s holds, and reaches every budget of the span',
        async (order) => {
          await put('a')
          await put('b')
          const span = { trace: 1, span: 1, at: own.now, amounts: { usd: 100n }, matches: ['a'] }
          const correction = { ...span, amounts: { usd: 30n }, revision: 5, matches: [] }
          const older = { ...span, amounts: { usd: 70n }, revision: 4, matches: [] }
          const messages = [span, older, correction]
          for (const [i, message] of (order === 'last' ? messages : messages.toReversed()).entries()) {
            await debit(own.ledger, `m${i}`, [message])
          }
          expect(await position('a')).toMatchObject({ spent: 30n })
          expect(await position('b')).toMatchObject({ spent: 0n })
          await debit(own.ledger, 'again', [{ ...span, amounts: { usd: 500n } }])
          expect(await position('a')).toMatchObject({ spent: 30n })
        },
      )

      test('redelivery, re-batching and any order change no sum', async () => {
        const anySpan = fc.record({ trace: fc.nat(2), span: fc.integer({ min: 1, max: 4 }), day: fc.nat(1) })
        const anyMessages = fc.array(fc.array(anySpan, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 5 })
        const amountOf = (trace: number, span: number) => BigInt(trace * 10 + span)
        await fc.assert(
          fc.asyncProperty(
            anyMessages.chain((messages) =>
              fc.tuple(fc.constant(messages), fc.array(fc.nat(messages.length - 1), { maxLength: 10 }), fc.uuid()),
            ),
            async ([messages, order, project]) => {
              await own.ledger.put(project, 'today', termsOf({ thresholds: [] }), '')
              await own.ledger.put(project, 'all', termsOf({ period: 'total', thresholds: [] }), '')
              const toSpans = (message: (typeof messages)[number]) =>
                message.map(({ trace, span }) => ({
                  trace,
                  span,
                  at: own.now - (span % 2) * DAY,
                  amounts: { usd: amountOf(trace, span) },
                }))
              for (const index of [...order, ...messages.keys()]) {
                const message = messages[index]
                if (message !== undefined) await debit(own.ledger, `${project}/${index}`, toSpans(message), project)
              }
              const distinct = new Map(messages.flat().map(({ trace, span }) => [`${trace}/${span}`, { trace, span }]))
              const sum = (spans: Iterable<{ trace: number; span: number }>) =>
                [...spans].reduce((total, { trace, span }) => total + amountOf(trace, span), 0n)
              expect((await position('all', project)).spent).toBe(sum(distinct.values()))
              const even = [...distinct.values()].filter(({ span }) => span % 2 === 0)
              expect((await position('today', project)).spent).toBe(sum(even))
              expect((await own.ledger.counts(project)).stored).toBe(BigInt(messages.flat().length))
            },
          ),
          { numRuns: runs },
        )
      })
    })

    describe('alerts', () => {
      test('each threshold once for each budget and period, also at roll-over (lessons: budgets 6)', async () => {
        await put('b', { limit: 100n, thresholds: [0.5, 1] })
        const spend = (name: string, usd: bigint) =>
          debit(own.ledger, name, [{ trace: 1, span: name.length, at: own.now, amounts: { usd } }])
        const due = async () => {
          const alerts = await own.ledger.dueAlerts(10)
          await own.ledger.alertsPublished(alerts.map(({ id }) => id))
          return alerts.map(({ period, threshold }) => `${period} ${threshold}`).sort()
        }
        await spend('m', 49n)
        expect(await due()).toEqual([])
        await spend('mm', 60n)
        await spend('mmm', 60n)
        expect(await due()).toEqual(['2026-05-10 0.5', '2026-05-10 1'])
        await put('b', { limit: 90n, thresholds: [0.5, 1] })
        expect(await due()).toEqual([])
        own.now += DAY
        await spend('mmmm', 95n)
        expect(await due()).toEqual(['2026-05-11 0.5', '2026-05-11 1'])
        expect(await own.ledger.dueAlerts(10)).toEqual([])
      })

      test('lowering the limit below what is spent is told', async () => {
        await put('b', { limit: 100n, thresholds: [1] })
        await debit(own.ledger, 'm', [{ trace: 1, span: 1, at: own.now, amounts: { usd: 50n } }])
        expect(await own.ledger.dueAlerts(10)).toEqual([])
        await put('b', { limit: 40n, thresholds: [1] })
        expect(await own.ledger.dueAlerts(10)).toMatchObject([
          { budgetId: 'b', threshold: 1, spent: 50n, allowance: 40n },
        ])
      })
    })

    test('a threshold that was reached by ending a grant was told only when the next span came', async () => {
      await put('b', { limit: 10n, thresholds: [0.5, 0.9] })
      await own.ledger.grant('p', 'b', { amount: 20n, from: own.now, to: own.now + DAY, note: '' }, 'ops', 'g')
      await debit(own.ledger, 'm', [{ trace: 1, span: 1, at: own.now, amounts: { usd: 14n } }])
      expect(await own.ledger.dueAlerts(10)).toEqual([])
      own.now += 1_000
      await own.ledger.revokeGrant('p', 'b', 'g', 'ops')
      expect(await own.ledger.dueAlerts(10)).toMatchObject([{ threshold: 0.5, spent: 14n, allowance: 24n }])
    })

    test('a sum beyond 2^63 is refused, and nothing of it is kept', async () => {
      await put('b', { thresholds: [] })
      const huge = 2n ** 63n - 1n
      await debit(own.ledger, 'm1', [{ trace: 1, span: 1, at: own.now, amounts: { usd: huge } }])
      await expect(
        debit(own.ledger, 'm2', [{ trace: 1, span: 2, at: own.now, amounts: { usd: huge } }]),
      ).rejects.toMatchObject({
        code: 'budget/invalid',
      })
      expect((await position('b')).spent).toBe(huge)
      expect((await own.ledger.counts('p')).stored).toBe(1n)
    })

    test('names of projects and subjects are data, whatever they hold', async () => {
      for (const project of ['..', '__x__', 'a/b', "'; --", 'é'.repeat(700), '😀'.repeat(400)]) {
        await own.ledger.put(project, 'b', termsOf({ selector: { user: [project] } }), project)
        await debit(own.ledger, 'm', [{ trace: 1, span: 1, at: own.now, amounts: { usd: 7n } }], project)
        expect((await position('b', project)).spent).toBe(7n)
      }
    })
  })
}
