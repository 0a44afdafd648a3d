import { expect, test } from 'vitest'
import { debit } from './ledger.fixtures.ts'
import type { Reservation } from './ledger.ts'
import { describeLedger, type SuiteOptions } from './ledger-under-test.ts'

/** What every adapter of the ledger must do with leases. */
export function leaseSuite(name: string, options: SuiteOptions): void {
  describeLedger(`leases on ${name}`, options, (own) => {
    const { put, position } = own
    const ask = (key: string, usd: bigint, { user = 'u', ttlMs = 60_000 } = {}) =>
      own.ledger.lease({
        project: 'p',
        idempotencyKey: key,
        subject: { user },
        amounts: { usd, tokens: 1_000n, requests: 100n },
        ttlMs,
      })
    const take = async (...args: Parameters<typeof ask>): Promise<Reservation> => {
      const result = await ask(...args)
      if (result.kind === 'denied') throw new Error('denied')
      return result.reservation
    }
    const spend = (message: string, reservation: string, amounts: readonly bigint[], first = 1) =>
      debit(
        own.ledger,
        message,
        amounts.map((usd, i) => ({
          trace: 1,
          span: first + i,
          at: own.now,
          amounts: { usd },
          reservation,
          matches: ['b'],
        })),
      )

    test('the charges of many spans come off one hold, once each', async () => {
      await put('b')
      const { id, amounts } = await take('k', 100n)
      expect(amounts.usd).toBe(100n)
      expect(id).toMatch(/^lease_[0-9a-f]{32}$/)
      await spend('m1', id, [10n, 20n])
      expect(await position()).toMatchObject({ spent: 30n, reserved: 70n, remaining: 900n })
      expect(await spend('m1', id, [10n, 20n])).toBe('duplicate')
      await spend('m2', id, [10n, 20n, 5n])
      expect(await position()).toMatchObject({ spent: 35n, reserved: 65n, remaining: 900n })
      expect(await own.ledger.reservation('p', id)).toMatchObject({ id, state: 'open', amounts: { usd: 100n } })
    })

    test('less than was asked for is granted where not all fits, and nothing where nothing is left', async () => {
      await put('b', { limit: 150n })
      expect((await take('k1', 100n)).amounts.usd).toBe(100n)
      expect((await take('k2', 100n)).amounts.usd).toBe(50n)
      expect(await ask('k3', 1n)).toMatchObject({ kind: 'denied', denying: [{ budget: { id: 'b' } }] })
    })

    test('it grows to what is asked for, however often that is asked, and pays first what it overspent', async () => {
      await put('b')
      const { id } = await take('k', 100n)
      own.now += 10_000
      for (let i = 0; i < 2; i++) {
        expect(await take('k', 300n)).toMatchObject({ id, amounts: { usd: 300n }, expiresAt: own.now + 60_000 })
        expect((await position()).reserved).toBe(300n)
      }
      expect((await take('k', 100n)).amounts.usd).toBe(300n)
      await spend('m', id, [320n])
      expect(await position()).toMatchObject({ spent: 320n, reserved: 0n })
      await take('k', 350n)
      expect(await position()).toMatchObject({ spent: 320n, reserved: 30n })
    })

    test('what was not used returns with the lease, and what was stays held until its spans have come', async () => {
      await put('b')
      const { id } = await take('k', 100n)
      await spend('m1', id, [10n])
      for (let i = 0; i < 2; i++) {
        expect(await own.ledger.returnLease('p', id, { usd: 40n })).toMatchObject({ state: 'released' })
        expect(await position()).toMatchObject({ spent: 10n, reserved: 30n })
      }
      expect(await take('k', 500n)).toMatchObject({ state: 'released', amounts: { usd: 100n } })
      await spend('m2', id, [30n], 2)
      expect(await position()).toMatchObject({ spent: 40n, reserved: 0n })
    })

    test('what nobody returns returns by itself', async () => {
      await put('b')
      const { id } = await take('k', 1_000n)
      await spend('m', id, [100n])
      expect((await ask('other', 1n)).kind).toBe('denied')
      own.now += 60_000
      expect(await position()).toMatchObject({ spent: 100n, reserved: 0n })
      expect(await take('k', 1_000n)).toMatchObject({ state: 'expired' })
      expect((await position()).reserved).toBe(0n)
      expect((await take('other', 900n)).amounts.usd).toBe(900n)
      await spend('late', id, [50n], 9)
      expect(await position()).toMatchObject({ spent: 150n, reserved: 900n })
    })

    test('a lease lives no longer than a day, however often it is renewed', async () => {
      await put('b')
      const { createdAt } = await take('k', 10n, { ttlMs: 80_000_000 })
      own.now += 70_000_000
      expect((await take('k', 10n, { ttlMs: 80_000_000 })).expiresAt).toBe(createdAt + 86_400_000)
    })

    test('all budgets that apply hold their part, each in its own unit; spans are charged to them whatever they say', async () => {
      await put('b')
      await put('tokens', { unit: 'tokens', limit: 600n, selector: { user: ['u'] } })
      await put('soft', { limit: 1n, mode: 'soft' })
      const { id, amounts } = await take('k', 100n)
      expect(amounts).toEqual({ usd: 100n, tokens: 600n, requests: 100n })
      const call = { trace: 1, span: 1, at: own.now, amounts: { usd: 10n, tokens: 200n }, reservation: id, matches: [] }
      await debit(own.ledger, 'm', [call])
      expect(await position('tokens')).toMatchObject({ spent: 200n, reserved: 400n })
      expect(await position('b')).toMatchObject({ spent: 10n, reserved: 90n })
      expect(await position('soft')).toMatchObject({ spent: 10n, reserved: 90n })
    })

    test('two hundred clients at once get no more than there is', async () => {
      await put('b')
      const results = await Promise.all(Array.from({ length: 200 }, (_, i) => ask(`k${i}`, 9n)))
      const granted = results.flatMap((result) => (result.kind === 'leased' ? [result.reservation.amounts.usd] : []))
      expect(granted).toHaveLength(112)
      expect(granted.reduce((sum, usd) => sum + usd, 0n)).toBe(1_000n)
      expect(await position()).toMatchObject({ reserved: 1_000n, remaining: 0n })
    })

    test('it is no reservation of one call, and not another project’s', async () => {
      await put('b')
      const { id } = await take('k', 10n)
      await expect(own.ledger.settle('p', id, {})).rejects.toMatchObject({ code: 'store/rejected' })
      await expect(own.ledger.release('p', id)).rejects.toMatchObject({ code: 'store/rejected' })
      for (const [project, lease] of [
        ['q', id],
        ['p', `lease_${'0'.repeat(32)}`],
      ] as const) {
        await expect(own.ledger.returnLease(project, lease, {})).rejects.toMatchObject({ code: 'budget/not-found' })
        await expect(own.ledger.reservation(project, lease)).rejects.toMatchObject({ code: 'budget/not-found' })
      }
      await debit(own.ledger, 'm', [
        { trace: 1, span: 1, at: own.now, amounts: { usd: 3n }, reservation: `lease_${'0'.repeat(32)}` },
      ])
      expect(await position()).toMatchObject({ spent: 3n, reserved: 10n })
    })

    test('tokens of calls of unknown cost were spent, and held by the lease too until it expired', async () => {
      await put('b', { unit: 'tokens' })
      const { id, amounts } = await take('k', 100n)
      const call = { trace: 1, span: 1, at: own.now, reservation: id, matches: [] }
      await debit(own.ledger, 'm', [{ ...call, amounts: { tokens: 3n, requests: 1n } }])
      expect(await position()).toMatchObject({ spent: 3n, reserved: amounts.tokens - 3n })
    })

    test.each(['last', 'first'])(
      'a lease went without what it had paid for a call whose cost is not known any more: corrected %s',
      async (order) => {
        await put('b')
        const { id } = await take('k', 100n)
        const call = { trace: 1, span: 1, at: own.now, reservation: id, matches: ['b'] }
        const messages = [
          { ...call, amounts: { usd: 30n, requests: 1n } },
          { ...call, amounts: { requests: 1n }, revision: 1, matches: [] },
        ]
        for (const [i, message] of (order === 'last' ? messages : messages.toReversed()).entries())
          await debit(own.ledger, `m${i}`, [message])
        expect(await position()).toMatchObject({ spent: 0n, reserved: 100n, unknown: 1 })
      },
    )

    test('spans that cost a lease more than 64 bits hold made the ledger seem not to answer, again and again', async () => {
      await put('b', { period: 'hour', mode: 'soft', thresholds: [] })
      const { id } = await take('k', 100n, { ttlMs: 80_000_000 })
      const call = { trace: 1, amounts: { usd: 2n ** 63n - 1n }, reservation: id, matches: ['b'] }
      const at = own.now
      await debit(own.ledger, 'hours', [
        { ...call, span: 1, at },
        { ...call, span: 2, at: at + 3_600_000 },
        { ...call, span: 3, at: at + 7_200_000 },
      ])
      expect(await position()).toMatchObject({ spent: 2n ** 63n - 1n, reserved: 0n })
      const hour = { ...call, at: at + 3 * 3_600_000 }
      const tooMuch = debit(
        own.ledger,
        'hour',
        [4, 5].map((span) => ({ ...hour, span })),
      )
      await expect(tooMuch).rejects.toMatchObject({ code: 'budget/invalid' })
    })

    test('a call of unknown cost leaves the hold as it is', async () => {
      await put('b')
      const { id } = await take('k', 100n)
      await debit(own.ledger, 'm', [{ trace: 1, span: 1, at: own.now, amounts: { requests: 1n }, reservation: id }])
      expect(await position()).toMatchObject({ spent: 0n, reserved: 100n, unknown: 1 })
    })
  })
}
