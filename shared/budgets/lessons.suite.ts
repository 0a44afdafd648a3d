import { describe, expect, test } from 'vitest'
import type { BudgetTerms } from './budget.ts'
import { debit, termsOf } from './ledger.fixtures.ts'
import type { ReserveResult } from './ledger.ts'
import { describeLedger, type SuiteOptions } from './ledger-under-test.ts'

const DAY = 86_400_000
const TTL_MS = 60_000

/** Defects that systems like this one had, by the thread that tells of them: none may be had here, on any adapter. */
export function lessonsSuite(name: string, options: SuiteOptions): void {
  describeLedger(`lessons on ${name}`, options, (own) => {
    const { position, reserve } = own
    const put = (changes: Partial<BudgetTerms> = {}) =>
      own.ledger.put('p', 'b', termsOf({ thresholds: [], ...changes }), 'admin')
    const admitted = (results: readonly ReserveResult[]) =>
      results.flatMap((result) => (result.kind === 'reserved' ? [result.reservation.id] : []))
    const reserveOne = async (key: string, usd: bigint) => admitted([await reserve(key, usd)])[0] as string
    const span = (span: number, usd: bigint, reservation?: string) => ({
      ...{ trace: 1, span, at: own.now, amounts: { usd } },
      ...(reservation !== undefined && { reservation }),
    })

    describe('1: check, then increment', () => {
      test('litellm#34732: calls of one session at once do not all pass before the first is counted', async () => {
        await put({ limit: 30n, selector: { session: ['s'] } })
        const asked = Array.from({ length: 8 }, (_, i) => reserve(`k${i}`, 10n, { session: 's' }))
        expect(admitted(await Promise.all(asked))).toHaveLength(3)
      })

      test('litellm#40095: the first calls of a user that nobody has seen before are counted, too', async () => {
        await put({ limit: 10n, selector: { user: ['new'] } })
        const asked = Array.from({ length: 8 }, (_, i) => reserve(`k${i}`, 10n, { user: 'new' }))
        expect(admitted(await Promise.all(asked))).toHaveLength(1)
      })

      test('litellm#26672: callers who ask, call and settle until they are refused spend the cap and no more', async () => {
        await put({ limit: 30n })
        let refused = false
        for (let round = 0; !refused; round++) {
          const ids = admitted(await Promise.all([0, 1, 2, 3].map((i) => reserve(`${round}/${i}`, 4n))))
          refused = ids.length === 0
          await Promise.all(ids.map((id) => own.ledger.settle('p', id, { usd: 3n })))
        }
        const { spent, remaining } = await position()
        expect(spent <= 30n && remaining < 4n).toBe(true)
        expect(spent).toBe(27n)
      })
    })

    describe('2: reservations leaked or counted twice', () => {
      test('litellm#27639: what nobody settles or releases does not add up', async () => {
        await put({ limit: 100n })
        for (let round = 0; round < 10; round++) {
          const ids = admitted(await Promise.all(Array.from({ length: 12 }, (_, i) => reserve(`${round}/${i}`, 10n))))
          expect(ids).toHaveLength(10)
          own.now += TTL_MS
        }
        expect(await position()).toMatchObject({ spent: 0n, reserved: 0n, remaining: 100n })
      })

      test('litellm#28283: spend is what the spans cost, however often they are told and looked at', async () => {
        await put()
        for (let i = 0; i < 6; i++) {
          await debit(own.ledger, 'm', [span(1, 30n), span(2, 5n)])
          await debit(own.ledger, `again ${i}`, [span(2, 5n)])
          expect(await position()).toMatchObject({ spent: 35n, remaining: 965n })
        }
      })

      test('litellm#30460: requests that were answered too late and sent again count once', async () => {
        await put()
        const ids = admitted(await Promise.all(Array.from({ length: 5 }, () => reserve('k', 100n))))
        expect(new Set(ids).size).toBe(1)
        expect((await position()).reserved).toBe(100n)
        await Promise.all([1, 2, 3].map(() => own.ledger.settle('p', ids[0] as string, { usd: 40n })))
        expect(await position()).toMatchObject({ spent: 40n, reserved: 0n })
      })

      test('litellm#36926: a call that is broken off leaves nothing held, whichever is told first', async () => {
        await put()
        const [released, told] = [await reserveOne('a', 100n), await reserveOne('b', 100n)]
        await own.ledger.release('p', released)
        await debit(own.ledger, 'part of a', [span(1, 7n, released)])
        await debit(own.ledger, 'part of b', [span(2, 7n, told)])
        await own.ledger.release('p', told)
        expect(await position()).toMatchObject({ spent: 14n, reserved: 0n })
      })

      test('litellm#40050: what is enforced is what is recorded, not both what was settled and what the spans cost', async () => {
        await put({ limit: 100n })
        for (let i = 1; i <= 5; i++) {
          const id = await reserveOne(`k${i}`, 20n)
          await own.ledger.settle('p', id, { usd: 11n })
          await debit(own.ledger, `m${i}`, [span(i, 11n, id)])
        }
        expect(await position()).toMatchObject({ spent: 55n, reserved: 0n, remaining: 45n })
        expect((await reserve('next', 45n)).kind).toBe('reserved')
      })
    })

    describe('4: exactly once', () => {
      test('a retry of a message charges nothing, and neither does a message that repeats its spans', async () => {
        await put()
        expect(await debit(own.ledger, 'm', [span(1, 30n)])).toBe('debited')
        expect(await debit(own.ledger, 'm', [span(1, 30n)])).toBe('duplicate')
        expect(await debit(own.ledger, 'sent anew', [span(1, 30n)])).toBe('debited')
        expect((await position()).spent).toBe(30n)
      })

      test('one that is refused takes nothing from those of the same moment, and gives nothing away', async () => {
        await put({ limit: 100n })
        const results = await Promise.allSettled([
          reserve('a', 60n),
          own.ledger.settle('p', `res_${'0'.repeat(32)}`, {}),
          reserve('b', 60n),
          reserve('c', 40n),
        ])
        expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled'])
        expect((await position()).reserved).toBe(100n)
      })
    })

    describe('5: identities, periods and limits', () => {
      test('a call over midnight is in one day: that in which its span says it began', async () => {
        own.now = Date.UTC(2026, 4, 10, 23, 59, 59, 900)
        await put({ limit: 100n })
        const id = await reserveOne('k', 60n)
        const began = own.now
        own.now += 200
        await own.ledger.settle('p', id, { usd: 50n })
        expect(await position()).toMatchObject({ period: '2026-05-11', spent: 0n, reserved: 0n })
        await debit(own.ledger, 'm', [{ ...span(1, 50n, id), at: began }])
        expect((await position()).spent).toBe(0n)
        expect(
          (await own.ledger.entries('p', 'b', { pageSize: 50 })).items.reduce((sum, { amount }) => sum + amount, 0n),
        ).toBe(50n)
      })

      test('after a roll-over everyone is metered as before', async () => {
        await put({ limit: 10n, selector: { user: ['u'] } })
        for (let day = 0; day < 3; day++) {
          await debit(own.ledger, `day ${day}`, [{ ...span(day + 1, 10n) }])
          expect((await reserve(`day ${day}`, 1n, { user: 'u' })).kind).toBe('denied')
          own.now += DAY
        }
        expect((await reserve('next', 1n, { user: 'u' })).kind).toBe('reserved')
      })

      test('a whole-number limit is what it was, and not 0', async () => {
        for (const limit of [30n, 1n, 10n ** 12n, 2n ** 63n - 1n]) {
          await put({ limit })
          expect((await own.ledger.get('p', 'b')).budget.limit).toBe(limit)
          expect((await position()).allowance).toBe(limit)
        }
        expect((await reserve('k', 30n)).kind).toBe('reserved')
      })
    })

    describe('6: grants', () => {
      const grant = (amount: bigint, from: number, to: number) =>
        own.ledger.grant('p', 'b', { amount, from, to, note: '' }, 'ops')

      test('a future-dated grant is not spent early', async () => {
        await put({ limit: 10n })
        await grant(50n, own.now + DAY, own.now + 2 * DAY)
        await debit(own.ledger, 'm', [span(1, 10n)])
        expect((await reserve('early', 1n)).kind).toBe('denied')
        own.now += DAY
        expect((await reserve('due', 60n)).kind).toBe('reserved')
      })

      test('an overspent grant eats no other funds', async () => {
        await put({ limit: 10n })
        await grant(5n, own.now, own.now + DAY / 4)
        await debit(own.ledger, 'm', [span(1, 15n)])
        own.now += DAY / 4
        await grant(20n, own.now, own.now + DAY)
        expect(await position()).toMatchObject({ spent: 15n, remaining: 20n })
        await debit(own.ledger, 'late', [{ ...span(2, 3n), at: own.now - 1 }])
        expect((await position()).grants).toMatchObject([{ remaining: 20n }])
      })

      test('a grant that ended within a period pays once', async () => {
        await put({ limit: 10n })
        await grant(30n, own.now, own.now + DAY)
        await debit(own.ledger, 'monday', [span(1, 40n)])
        own.now += DAY / 2
        await debit(own.ledger, 'tuesday', [span(2, 10n)])
        own.now += DAY / 2
        expect(await position()).toMatchObject({ spent: 10n, remaining: 0n })
      })
    })

    test('7: looking at budgets changes nothing: what was deleted stays deleted', async () => {
      await put()
      await own.ledger.put('p', 'gone', termsOf(), 'admin')
      await own.ledger.delete('p', 'gone', 'admin')
      const state = async () => ({
        list: await own.ledger.list('p', { pageSize: 10 }),
        entries: await own.ledger.entries('p', 'b', { pageSize: 10 }),
        of: await own.ledger.entries('p', 'gone', { pageSize: 10 }),
        revision: (await own.ledger.rules('p')).revision,
      })
      const before = await state()
      for (let i = 0; i < 3; i++) {
        await own.ledger.get('p', 'b')
        await own.ledger.get('p', 'gone').catch(() => undefined)
        await own.ledger.balances('p', { user: 'u' })
        await own.ledger.estimate('p', 'm')
        await own.ledger.dueAlerts(10)
        await own.ledger.counts('p')
      }
      expect(await state()).toEqual(before)
      await expect(own.ledger.get('p', 'gone')).rejects.toMatchObject({ code: 'budget/not-found' })
    })
  })
}
