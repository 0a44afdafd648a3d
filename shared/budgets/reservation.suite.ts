import { expect, test } from 'vitest'
import { debit } from './ledger.fixtures.ts'
import type { ReserveResult } from './ledger.ts'
import { describeLedger, type SuiteOptions } from './ledger-under-test.ts'
import type { Subject } from './selector.ts'

/** What every adapter of the ledger must do with reservations. */
export function reservationSuite(name: string, options: SuiteOptions): void {
  describeLedger(`reservations on ${name}`, options, (own) => {
    const { put, position, reserve } = own
    const reserved = (result: ReserveResult) => {
      if (result.kind !== 'reserved') throw new Error('denied')
      return result.reservation
    }

    test('200 at once on a budget with room for exactly 100: exactly 100 (litellm#34732, #40095, #26672)', async () => {
      await put('b', { limit: 1_000n })
      const results = await Promise.all(Array.from({ length: 200 }, (_, i) => reserve(`k${i}`, 10n)))
      expect(results.filter(({ kind }) => kind === 'reserved')).toHaveLength(100)
      expect(await position('b')).toMatchObject({ reserved: 1_000n, remaining: 0n })
    })

    test('nothing stays reserved: settled, released or expired (litellm#27639, #28283, #30460, #36926, #40050)', async () => {
      await put('b')
      const a = reserved(await reserve('a', 100n))
      const b = reserved(await reserve('b', 100n))
      await reserve('c', 100n)
      expect((await position('b')).reserved).toBe(300n)
      await own.ledger.settle('p', a.id, { usd: 40n })
      await own.ledger.release('p', b.id)
      expect(await position('b')).toMatchObject({ reserved: 100n, spent: 40n })
      own.now += 60_000
      expect(await position('b')).toMatchObject({ reserved: 0n, spent: 40n })
    })

    test('an expired reservation can still be settled: the call was made', async () => {
      await put('b')
      const { id } = reserved(await reserve('a', 100n))
      own.now += 60_000
      expect(await own.ledger.settle('p', id, { usd: 30n })).toMatchObject({ state: 'settled' })
      expect(await position('b')).toMatchObject({ reserved: 0n, spent: 30n })
    })

    test('a retry with the same key reserves and settles once (lessons: budgets 4)', async () => {
      await put('b')
      const [a, b] = await Promise.all([reserve('same', 100n), reserve('same', 100n)])
      expect(reserved(a).id).toBe(reserved(b).id)
      expect((await position('b')).reserved).toBe(100n)
      await own.ledger.settle('p', reserved(a).id, { usd: 70n })
      await own.ledger.settle('p', reserved(a).id, { usd: 70n })
      expect(await position('b')).toMatchObject({ reserved: 0n, spent: 70n })
      await expect(own.ledger.settle('p', reserved(a).id, { usd: 71n })).rejects.toMatchObject({
        code: 'store/rejected',
      })
      await expect(own.ledger.release('p', reserved(a).id)).rejects.toMatchObject({ code: 'store/rejected' })
      expect(reserved(await reserve('same', 100n)).state).toBe('settled')
    })

    test('a key that another subject had used got what was held for that one, and a call ran without a hold', async () => {
      await put('b')
      const first = reserved(await reserve('same', 100n, { user: 'u', attributes: { tier: 'gold', team: 'a' } }))
      const again = reserved(await reserve('same', 100n, { attributes: { team: 'a', tier: 'gold' }, user: 'u' }))
      expect(again.id).toBe(first.id)
      await expect(reserve('same', 100n, { user: 'v' })).rejects.toMatchObject({ code: 'store/rejected' })
      await own.ledger.settle('p', first.id, { usd: 70n })
      await expect(reserve('same', 100n, {})).rejects.toMatchObject({ code: 'store/rejected' })

      const leased = (subject: Subject) =>
        own.ledger.lease({
          project: 'p',
          idempotencyKey: 'lease',
          subject,
          amounts: { usd: 10n, tokens: 0n, requests: 0n },
          ttlMs: 60_000,
        })
      await leased({ user: 'u' })
      await expect(leased({ user: 'v' })).rejects.toMatchObject({ code: 'store/rejected' })
      expect(await position('b')).toMatchObject({ spent: 70n, reserved: 10n })
    })

    test('all budgets that apply or none', async () => {
      await put('wide', { limit: 1_000n })
      await put('narrow', { limit: 10n, selector: { user: ['u'] } })
      const result = await reserve('k', 20n, { user: 'u' })
      expect(result).toMatchObject({ kind: 'denied', denying: [{ budget: { id: 'narrow' } }] })
      expect((await position('wide')).reserved).toBe(0n)
      expect((await reserve('k', 20n, { user: 'v' })).kind).toBe('reserved')
    })

    test('soft lets through and says so, observe lets through (lessons: budgets 6)', async () => {
      await put('soft', { limit: 10n, mode: 'soft' })
      await put('watch', { limit: 10n, mode: 'observe' })
      const result = await reserve('k', 20n)
      if (result.kind !== 'reserved') throw new Error('denied')
      expect(result.exceeded.map(({ budget }) => budget.id)).toEqual(['soft'])
    })

    test('one who reserved all that there can be was in the way of all others of a budget that only counts', async () => {
      await put('watch', { mode: 'observe' })
      for (const key of ['a', 'b']) expect((await reserve(key, 2n ** 63n - 1n)).kind).toBe('reserved')
      expect((await reserve('c', 1n)).kind).toBe('reserved')
      expect(await position('watch')).toMatchObject({ spent: 0n, reserved: 2n ** 64n - 1n })
      const leased = { project: 'p', idempotencyKey: 'l', subject: {}, amounts: { usd: 5n, tokens: 1n, requests: 1n } }
      expect((await own.ledger.lease({ ...leased, ttlMs: 1_000 })).kind).toBe('leased')
    })

    test('each budget counts in its own unit', async () => {
      await put('tokens', { unit: 'tokens', limit: 25n })
      await put('requests', { unit: 'requests', limit: 5n })
      const { id } = reserved(await reserve('a', 999n))
      expect([(await position('tokens')).reserved, (await position('requests')).reserved]).toEqual([10n, 1n])
      await own.ledger.settle('p', id, { tokens: 12n })
      expect([(await position('tokens')).spent, (await position('requests')).spent]).toEqual([12n, 1n])
    })

    test.each(['settled first', 'spans first'])(
      'a call that names its reservation is charged once: %s',
      async (order) => {
        await put('b')
        await put('other', { selector: { user: ['someone else'] } })
        const { id } = reserved(await reserve('a', 100n))
        const spans = [
          { trace: 1, span: 1, at: own.now, amounts: { usd: 30n }, reservation: id, matches: ['b'] },
          { trace: 1, span: 2, at: own.now, amounts: { usd: 12n }, reservation: id, matches: ['b'] },
        ]
        if (order === 'settled first') await own.ledger.settle('p', id, { usd: 45n })
        await debit(own.ledger, 'm', spans)
        if (order === 'spans first') await own.ledger.settle('p', id, { usd: 45n })
        await debit(own.ledger, 'again', spans)
        expect(await position('b')).toMatchObject({ spent: 42n, reserved: 0n })
        expect((await position('other')).spent).toBe(0n)
      },
    )

    test.each(['settled first', 'span first'])(
      'tokens and requests of a call of unknown cost were counted as it was settled and as its span says: %s',
      async (order) => {
        await put('usd')
        await put('tokens', { unit: 'tokens' })
        await put('requests', { unit: 'requests' })
        const sums = async (...ids: string[]) =>
          Promise.all(ids.map(async (id) => ({ ...(await position(id)) }))).then((all) =>
            all.map(({ spent, reserved }) => `${spent} + ${reserved}`),
          )
        const { id } = reserved(await reserve('a', 100n))
        const call = { trace: 1, span: 1, at: own.now, reservation: id }
        const settle = () => own.ledger.settle('p', id, { usd: 45n, tokens: 12n })
        if (order === 'settled first') await settle()
        await debit(own.ledger, 'unpriced', [{ ...call, amounts: { tokens: 30n, requests: 1n } }])
        if (order === 'span first') {
          expect(await sums('usd', 'tokens', 'requests')).toEqual(['0 + 100', '30 + 0', '1 + 0'])
          await settle()
        }
        expect(await sums('usd', 'tokens', 'requests')).toEqual(['45 + 0', '30 + 0', '1 + 0'])
        await debit(own.ledger, 'priced', [{ ...call, amounts: { usd: 40n, tokens: 30n, requests: 1n } }])
        expect(await sums('usd', 'tokens', 'requests')).toEqual(['40 + 0', '30 + 0', '1 + 0'])
        expect((await own.ledger.reservation('p', id)).state).toBe('settled')
      },
    )

    test('a call of unknown cost left what it held of tokens held, and was not charged to whom it had asked', async () => {
      await put('b', { unit: 'tokens', selector: { user: ['u'] } })
      const { id } = reserved(await reserve('a', 0n, { user: 'u' }))
      const call = { trace: 1, span: 1, at: own.now, reservation: id, matches: [] }
      await debit(own.ledger, 'm', [{ ...call, amounts: { tokens: 7n, requests: 1n } }])
      expect(await position('b')).toMatchObject({ spent: 7n, reserved: 0n })
      expect((await own.ledger.reservation('p', id)).state).toBe('settled')
    })

    test.each(['settled', 'held'])(
      'a call of unknown cost that was %s was charged that beside what it was later found to cost',
      async (state) => {
        await put('b')
        await put('asked', { selector: { user: ['u'] } })
        const { id } = reserved(await reserve('a', 100n, { user: 'u' }))
        if (state === 'settled') await own.ledger.settle('p', id, { usd: 45n })
        const call = { trace: 1, span: 1, at: own.now, reservation: id }
        await debit(own.ledger, 'm', [{ ...call, amounts: { tokens: 30n, requests: 1n }, matches: ['b'] }])
        const correction = { ...call, amounts: { usd: 40n, tokens: 30n, requests: 1n }, matches: [], revision: 1 }
        for (const name of ['repriced', 'again']) await debit(own.ledger, name, [correction])
        expect(await position('b')).toMatchObject({ spent: 40n, reserved: 0n, unknown: 0 })
        expect(await position('asked')).toMatchObject({ spent: 40n, reserved: 0n, unknown: 0 })
        await own.ledger.settle('p', id, { usd: 45n })
        expect((await position('b')).spent).toBe(40n)
      },
    )

    test('reserved and charged under one identity, whatever the span says (lessons: budgets 5)', async () => {
      await put('b', { selector: { model: ['gpt-4o'] } })
      const { id } = reserved(await reserve('a', 100n, { model: 'gpt-4o' }))
      await debit(own.ledger, 'm', [
        { trace: 1, span: 1, at: own.now, amounts: { usd: 30n }, reservation: id, matches: [] },
      ])
      expect(await position('b')).toMatchObject({ spent: 30n, reserved: 0n })
    })

    test('what is held over midnight is held in the new day too (lessons: budgets 5)', async () => {
      own.now = Date.UTC(2026, 4, 10, 23, 59, 50)
      await put('b', { limit: 100n })
      const { id } = reserved(await reserve('a', 60n))
      own.now += 20_000
      expect((await reserve('b', 60n)).kind).toBe('denied')
      await debit(own.ledger, 'm', [{ trace: 1, span: 1, at: own.now, amounts: { usd: 60n }, reservation: id }])
      expect(await position('b')).toMatchObject({ period: '2026-05-11', spent: 60n, reserved: 0n })
    })

    test('what is not there', async () => {
      await expect(own.ledger.settle('p', `res_${'0'.repeat(32)}`, {})).rejects.toMatchObject({
        code: 'budget/not-found',
      })
      await expect(own.ledger.release('p', `res_${'0'.repeat(32)}`)).rejects.toMatchObject({ code: 'budget/not-found' })
    })
  })
}
