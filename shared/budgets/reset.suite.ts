import { expect, test } from 'vitest'
import { debit, type TestSpan } from './ledger.fixtures.ts'
import { describeLedger, type SuiteOptions } from './ledger-under-test.ts'

/** What every adapter of the ledger must do with resets: what began before one changes nothing after it. */
export function resetSuite(name: string, options: SuiteOptions): void {
  describeLedger(`resets on ${name}`, options, (own) => {
    const { put, position, reserve } = own
    const spend = (message: string, span: Partial<TestSpan> & Pick<TestSpan, 'span' | 'amounts'>) =>
      debit(own.ledger, message, [{ trace: 1, at: own.now, ...span }])
    const reset = async () => (await own.ledger.reset('p', 'b', 'ops', '')).position
    const reserved = async (key: string, usd: bigint) => {
      const result = await reserve(key, usd)
      return result.kind === 'reserved' ? result.reservation.id : ''
    }

    test('what a call had been settled at too high came off what was spent after the reset', async () => {
      await put('b')
      const id = await reserved('k', 500n)
      const at = own.now
      await own.ledger.settle('p', id, { usd: 500n })
      own.now += 1_000
      expect((await reset()).spent).toBe(0n)
      await spend('m', { span: 1, at, amounts: { usd: 40n }, reservation: id })
      expect(await position()).toMatchObject({ spent: 0n, reserved: 0n, remaining: 1_000n })
    })

    test.each([10n, 90n])(
      'a correction to %s of a span of before the reset changed what was spent after it',
      async (usd) => {
        await put('b')
        const at = own.now
        await spend('m', { span: 1, at, amounts: { usd: 50n } })
        own.now += 1_000
        await reset()
        await spend('new', { span: 2, amounts: { usd: 5n } })
        await spend('corrected', { span: 1, at, amounts: { usd }, revision: 1, matches: [] })
        expect((await position()).spent).toBe(5n)
      },
    )

    test('what began before the reset and comes after it, or again, does not count', async () => {
      await put('b')
      const at = own.now
      const unknown = { span: 1, at, amounts: {} }
      await spend('m', unknown)
      expect((await position()).unknown).toBe(1)
      own.now += 1_000
      expect(await reset()).toMatchObject({ spent: 0n, unknown: 0 })
      await spend('late', { span: 2, at, amounts: { usd: 50n } })
      await spend('again', unknown)
      expect(await position()).toMatchObject({ spent: 0n, unknown: 0 })
    })

    test('a span by a clock that is ahead counts once, where it counted first', async () => {
      await put('b')
      const ahead = { span: 1, at: own.now + 2_000, amounts: { usd: 50n } }
      await spend('m', ahead)
      own.now += 1_000
      await reset()
      own.now += 5_000
      await spend('again', ahead)
      await spend('corrected', { ...ahead, amounts: { usd: 70n }, revision: 1, matches: [] })
      expect((await position()).spent).toBe(0n)
      await spend('new', { ...ahead, span: 2 })
      expect((await position()).spent).toBe(50n)
    })

    test('each reset of a period forgives all that was spent until then, in whatever millisecond it comes', async () => {
      await put('b', { thresholds: [] })
      for (let round = 1; round <= 3; round++) {
        await spend(`m${round}`, { span: round, at: own.now + 10, amounts: { usd: 50n } })
        expect((await position()).spent).toBe(50n)
        expect((await reset()).spent).toBe(0n)
        if (round === 2) own.now += 1_000
      }
      own.now += 1_000
      await spend('m4', { span: 4, amounts: { usd: 7n } })
      expect(await position()).toMatchObject({ spent: 7n, remaining: 993n })
      const { items } = await own.ledger.entries('p', 'b', { pageSize: 50 })
      expect(items.filter(({ kind }) => kind === 'reset').map(({ amount }) => amount)).toEqual([-50n, -50n, -50n])
      expect(items.reduce((sum, { amount }) => sum + amount, 0n)).toBe(7n)
    })

    test('a third reset of one millisecond, or one by a clock that is behind, left what the one before it should have', async () => {
      await put('b', { thresholds: [] })
      for (const [round, behind] of [0, 0, 0, 500, 400].entries()) {
        const at = own.now + 100
        await spend(`m${round}`, { span: round + 1, at, amounts: { usd: 50n } })
        own.now -= behind
        expect((await reset()).spent).toBe(0n)
        await spend(`corrected ${round}`, { span: round + 1, at, amounts: { usd: 70n }, revision: 1, matches: [] })
        expect((await position()).spent).toBe(0n)
      }
    })

    test('of a rolling window nothing of before the reset is left, and the next period is as ever', async () => {
      await put('b', { period: { rollingSeconds: 3_600 } })
      const at = own.now - 600_000
      await spend('m', { span: 1, at, amounts: { usd: 50n } })
      expect((await reset()).spent).toBe(0n)
      await spend('late', { span: 2, at: at + 1_000, amounts: { usd: 20n } })
      own.now += 1_000
      await spend('new', { span: 3, amounts: { usd: 7n } })
      expect((await position()).spent).toBe(7n)
      own.now += 3_700_000
      expect((await position()).spent).toBe(0n)
    })

    test('what is held when a budget is reset stays held, and its span counts where it began', async () => {
      await put('b', { limit: 100n })
      const [early, late] = [await reserved('k1', 60n), await reserved('k2', 30n)]
      const at = own.now
      own.now += 1_000
      expect(await reset()).toMatchObject({ spent: 0n, reserved: 90n, remaining: 10n })
      await spend('before', { span: 1, at, amounts: { usd: 60n }, reservation: early })
      await spend('after', { span: 2, amounts: { usd: 30n }, reservation: late })
      expect(await position()).toMatchObject({ spent: 30n, reserved: 0n, remaining: 70n })
    })

    test('a grant is not used up by what was forgiven, and what is left of a reset period is carried over', async () => {
      await put('b', { limit: 100n, carryOver: 'all' })
      own.now += 1_000
      await own.ledger.grant('p', 'b', { amount: 50n, from: own.now, to: own.now + 7 * 86_400_000, note: '' }, 'ops')
      const at = own.now
      await spend('m', { span: 1, at, amounts: { usd: 120n } })
      own.now += 1_000
      expect(await reset()).toMatchObject({ spent: 0n, remaining: 150n, grants: [{ remaining: 50n }] })
      await spend('late', { span: 2, at, amounts: { usd: 40n } })
      own.now += 1_000
      await spend('new', { span: 3, amounts: { usd: 20n } })
      expect(await position()).toMatchObject({ spent: 20n, remaining: 130n, grants: [{ remaining: 30n }] })
      own.now += 86_400_000
      expect(await position()).toMatchObject({ spent: 0n, carried: 100n })
    })
  })
}
