import { expect, test } from 'vitest'
import { ANY_VERSION, budgetVersion, NO_VERSION } from './budget.ts'
import { batchOf, debit, termsOf } from './ledger.fixtures.ts'
import type { Entry } from './ledger.ts'
import { describeLedger, type SuiteOptions } from './ledger-under-test.ts'

const DAY = 86_400_000

/**
 * What every adapter of the ledger must do with budgets themselves: make, change and delete them, grant, correct, and
 * tell their history.
 */
export function administrationSuite(name: string, options: SuiteOptions): void {
  describeLedger(`administration of budgets on ${name}`, options, (own) => {
    const { put, position, reserve } = own
    const history = async (id: string) => {
      const entries: Entry[] = []
      let after: string | undefined
      do {
        const page = await own.ledger.entries('p', id, { pageSize: 3, ...(after !== undefined && { after }) })
        expect(page.items.length).toBeLessThanOrEqual(3)
        entries.push(...page.items)
        after = page.next ?? undefined
      } while (after !== undefined)
      return entries
    }

    test('made, listed by pages, changed, deleted; a project sees only its own', async () => {
      for (const id of ['c', 'a', 'b']) expect((await put(id)).created).toBe(true)
      await own.ledger.put('other', 'x', termsOf(), '')
      const first = await own.ledger.list('p', { pageSize: 2 })
      expect(first.items.map(({ budget }) => budget.id)).toEqual(['a', 'b'])
      const second = await own.ledger.list('p', { pageSize: 2, after: first.next ?? '' })
      expect(second.items.map(({ budget }) => budget.id)).toEqual(['c'])
      expect(second.next).toBeNull()
      expect((await put('a', { limit: 5n })).created).toBe(false)
      await own.ledger.delete('p', 'b', 'admin')
      await expect(own.ledger.get('p', 'b')).rejects.toMatchObject({ code: 'budget/not-found' })
      await expect(own.ledger.delete('p', 'b', '')).rejects.toMatchObject({ code: 'budget/not-found' })
      await expect(own.ledger.get('p', 'x')).rejects.toMatchObject({ code: 'budget/not-found' })
    })

    test('setting a limit leaves what was spent (lessons: budgets 5)', async () => {
      await put('b')
      await debit(own.ledger, 'm', [{ trace: 1, span: 1, at: own.now, amounts: { usd: 700n } }])
      const { balance } = await put('b', { limit: 2_000n })
      expect(balance.position).toMatchObject({ spent: 700n, remaining: 1_300n })
    })

    test('another question is counted anew', async () => {
      await put('b')
      await debit(own.ledger, 'm', [{ trace: 1, span: 1, at: own.now, amounts: { usd: 700n } }])
      expect((await put('b', { period: 'month' })).balance.position.spent).toBe(0n)
      await own.ledger.delete('p', 'b', '')
      expect((await put('b', { period: 'month' })).balance.position.spent).toBe(0n)
    })

    test('the same selector in another order asked another question: what was spent and held was let go', async () => {
      const attributes = { region: ['eu', 'us'], tier: ['1'] }
      await put('b', { selector: { user: ['a', 'b'], model: ['m'], attributes } })
      await reserve('k', 60n, { user: 'a', model: 'm', attributes: { region: 'us', tier: '1' } })
      await debit(own.ledger, 'm', [{ trace: 1, span: 1, at: own.now, amounts: { usd: 700n } }])
      const other = { tier: ['1', '1'], region: ['us', 'eu'] }
      const selector = { attributes: other, model: ['m'], user: ['b', 'a'] }
      const { position } = (await put('b', { selector, timeZone: 'Etc/UTC' })).balance
      expect(position).toMatchObject({ spent: 700n, reserved: 60n })
      expect((await put('b', { selector: { ...selector, user: ['a'] } })).balance.position.spent).toBe(0n)
    })

    test('what was held in USD was taken for as many tokens, and nothing fitted until it expired', async () => {
      await put('b')
      await reserve('k', 600n)
      const inTokens = await put('b', { unit: 'tokens', limit: 50n })
      expect(inTokens.balance.position).toMatchObject({ reserved: 0n, remaining: 50n })
      expect((await reserve('next', 1n)).kind).toBe('reserved')
      expect((await position('b')).reserved).toBe(10n)
    })

    test('what was held before another question was asked stayed held, though its calls were done', async () => {
      await put('b')
      const asked = await reserve('k', 600n)
      const id = asked.kind === 'reserved' ? asked.reservation.id : ''
      const { position: anew } = (await put('b', { period: 'month' })).balance
      await own.ledger.release('p', id)
      expect([anew.reserved, (await position('b')).reserved]).toEqual([0n, 0n])
    })

    test('amounts of a history were taken for the unit that the budget has now', async () => {
      const units = async () => (await history('b')).map(({ kind, amount, unit }) => `${kind} ${amount} ${unit}`)
      await put('b', { thresholds: [] })
      await debit(own.ledger, 'm', [{ trace: 1, span: 1, at: own.now, amounts: { usd: 700n, tokens: 3n } }])
      await put('b', { thresholds: [], unit: 'tokens', limit: 50n })
      await debit(own.ledger, 'm2', [{ trace: 1, span: 2, at: own.now, amounts: { usd: 5n, tokens: 4n } }])
      await own.ledger.delete('p', 'b', '')
      const ofBoth = ['debited 700 usd', 'created 0 usd', 'debited 4 tokens', 'updated 0 tokens', 'deleted 0 tokens']
      expect((await units()).sort()).toEqual(ofBoth.sort())
      await put('b', { thresholds: [], unit: 'requests', limit: 1n })
      expect((await units()).sort()).toEqual([...ofBoth, 'created 0 requests'].sort())
    })

    test('every change is an entry with who and when, and the amounts add up to what is spent', async () => {
      await put('b', { thresholds: [] })
      await debit(own.ledger, 'm1', [{ trace: 1, span: 1, at: own.now, amounts: { usd: 300n } }])
      own.now += 61_000
      await debit(own.ledger, 'm2', [{ trace: 1, span: 2, at: own.now, amounts: { usd: 200n } }])
      await own.ledger.reset('p', 'b', 'ops', 'new contract')
      await debit(own.ledger, 'm3', [{ trace: 1, span: 3, at: own.now, amounts: { usd: 50n } }])
      const bucket = (await history('b')).find(({ bucket }) => bucket !== null)?.bucket as number
      const correction = { generation: 1, bucket, amount: -10n, actor: 'reconcile', note: 'counted twice', after: 0 }
      expect(await own.ledger.correct('p', 'b', correction)).toBe(true)
      await put('b', { limit: 7n })
      const entries = await history('b')
      expect(entries.map(({ kind, actor }) => `${kind} ${actor}`)).toEqual(
        expect.arrayContaining(['updated admin', 'corrected reconcile', 'reset ops', 'created admin', 'debited spans']),
      )
      expect(entries.at(-1)?.kind).toBe('created')
      expect(entries.reduce((sum, { amount }) => sum + amount, 0n)).toBe((await position('b')).spent)
      expect((await position('b')).spent).toBe(40n)
    })

    test('of two who change what they have read, the second is told', async () => {
      const { budget } = (await put('b')).balance
      const version = budgetVersion(budget)
      const change = (limit: bigint) => own.ledger.put('p', 'b', termsOf({ limit }), 'admin', version)
      const tries = await Promise.allSettled([change(1n), change(2n)])
      expect(tries.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
      await expect(change(3n)).rejects.toMatchObject({ code: 'budget/changed' })
      await own.ledger.delete('p', 'b', '')
      await expect(change(3n)).rejects.toMatchObject({ code: 'budget/changed' })
      await expect(own.ledger.put('p', 'new', termsOf(), '', version)).rejects.toMatchObject({ code: 'budget/changed' })
    })

    test('whoever would only change a budget made one, and whoever would only make one changed it', async () => {
      const put = (limit: bigint, version: string) => own.ledger.put('p', 'c', termsOf({ limit }), 'admin', version)
      const changed = { code: 'budget/changed' }
      await expect(put(1n, ANY_VERSION)).rejects.toMatchObject(changed)
      expect(await put(1n, NO_VERSION)).toMatchObject({ created: true })
      await expect(put(2n, NO_VERSION)).rejects.toMatchObject(changed)
      expect(await put(2n, ANY_VERSION)).toMatchObject({ created: false, balance: { budget: { limit: 2n } } })
      await own.ledger.delete('p', 'c', '')
      await expect(put(3n, ANY_VERSION)).rejects.toMatchObject(changed)
      expect(await put(3n, NO_VERSION)).toMatchObject({ created: true })
    })

    test('a change whose answer was lost was refused when it was sent again, as if somebody else had made it', async () => {
      const version = budgetVersion((await put('b')).balance.budget)
      own.now += 1_000
      const change = () => own.ledger.put('p', 'b', termsOf({ limit: 5n }), 'admin', version)
      const { balance } = await change()
      own.now += 1_000
      expect(await change()).toEqual({ balance, created: false })
      expect((await history('b')).map(({ kind }) => kind)).toEqual(['updated', 'created'])
      await put('b', { limit: 6n })
      await expect(change()).rejects.toMatchObject({ code: 'budget/changed' })
    })

    test('a history of many periods is paged, each line once', async () => {
      await put('b', { period: 'hour', thresholds: [] })
      for (let hour = 0; hour < 7; hour++) {
        own.now += 3_600_000
        await debit(own.ledger, `m${hour}`, [{ trace: 1, span: hour + 1, at: own.now, amounts: { usd: 3n } }])
        if (hour % 3 === 0) await put('b', { period: 'hour', thresholds: [], limit: BigInt(hour + 5) })
      }
      const lines = await history('b')
      expect(new Set(lines.map(({ id }) => id)).size).toBe(lines.length)
      expect(lines.filter(({ kind }) => kind === 'debited')).toHaveLength(7)
      expect(lines.filter(({ kind }) => kind !== 'debited').map(({ kind }) => kind)).toEqual([
        ...['updated', 'updated', 'updated'],
        'created',
      ])
    })

    test('of corrections of one difference one is made, however often and by how many it is found', async () => {
      await put('b', { thresholds: [] })
      await debit(own.ledger, 'm', [{ trace: 1, span: 1, at: own.now, amounts: { usd: 300n } }])
      const [found] = await own.ledger.spanSums('p', 'b')
      if (found === undefined) throw new Error('nothing was debited')
      expect(found).toMatchObject({ amount: 300n, corrections: 0 })
      const correction = { generation: 1, bucket: found.bucket, amount: 40n, actor: 'reconcile', note: '', after: 0 }
      const tries = await Promise.all([1, 2, 3].map(() => own.ledger.correct('p', 'b', correction)))
      expect(tries.filter(Boolean)).toHaveLength(1)
      expect(await own.ledger.correct('p', 'b', correction)).toBe(false)
      expect(await own.ledger.correct('p', 'b', { ...correction, after: 1, generation: 2 })).toBe(false)
      expect(await own.ledger.spanSums('p', 'b')).toEqual([{ ...found, amount: 340n, corrections: 1 }])
      expect((await position('b')).spent).toBe(340n)
      expect(await own.ledger.projects()).toEqual(['p'])
    })

    test('spans debited again with a reason are corrections, and those already counted add nothing', async () => {
      await put('b', { thresholds: [] })
      const spans = [1, 2].map((span) => ({ trace: 1, span, at: own.now, amounts: { usd: 30n } }))
      await debit(own.ledger, 'm', spans.slice(0, 1))
      const again = async (name: string) =>
        own.ledger.debit([await batchOf(own.ledger, 'p', name, spans)], { reason: 'lost' })
      await again('x')
      await again('y')
      await debit(own.ledger, 'late', spans)
      expect((await position('b')).spent).toBe(60n)
      const corrected = (await history('b')).filter(({ kind }) => kind === 'corrected')
      expect(corrected).toMatchObject([{ amount: 30n, actor: 'reconcile', note: 'lost' }])
      expect(await own.ledger.spanSums('p', 'b')).toMatchObject([{ amount: 60n, corrections: 1 }])
    })

    test('a grant lets through what the limit would not', async () => {
      await put('b', { limit: 10n })
      expect((await reserve('k1', 15n)).kind).toBe('denied')
      await own.ledger.grant('p', 'b', { amount: 20n, from: own.now, to: own.now + DAY, note: '' }, 'ops')
      expect((await reserve('k2', 15n)).kind).toBe('reserved')
    })

    test('a grant that is revoked ends: what it has paid stays paid, and an entry says who ended it', async () => {
      await put('b', { limit: 10n, thresholds: [] })
      const { position: given } = await own.ledger.grant(
        'p',
        'b',
        { amount: 20n, from: own.now, to: own.now + DAY, note: '' },
        'x',
      )
      const { id } = given.grants[0]?.grant ?? { id: '' }
      own.now += 1_000
      await debit(own.ledger, 'm', [{ trace: 1, span: 1, at: own.now, amounts: { usd: 15n } }])
      own.now += 1_000
      const { position: ended } = await own.ledger.revokeGrant('p', 'b', id, 'ops')
      expect(ended).toMatchObject({ spent: 15n, remaining: 10n, grants: [] })
      await debit(own.ledger, 'm2', [{ trace: 1, span: 2, at: own.now, amounts: { usd: 4n } }])
      expect(await position('b')).toMatchObject({ spent: 19n, remaining: 6n })
      expect((await history('b')).map(({ kind, actor }) => `${kind} ${actor}`)).toContain('revoked ops')
      await expect(own.ledger.revokeGrant('p', 'b', id, 'ops')).rejects.toMatchObject({ code: 'budget/not-found' })
      const later = await own.ledger.grant(
        'p',
        'b',
        { amount: 9n, from: own.now + DAY, to: own.now + 2 * DAY, note: '' },
        'x',
      )
      const { position: none } = await own.ledger.revokeGrant('p', 'b', later.position.grants[0]?.grant.id ?? '', 'ops')
      expect(none.grants).toEqual([])
    })

    test('a grant that was revoked before it began was given again to who had not been answered', async () => {
      await put('b', { limit: 10n })
      const give = () =>
        own.ledger.grant('p', 'b', { amount: 20n, from: own.now + DAY, to: own.now + 2 * DAY, note: '' }, 'ops', 'g')
      await give()
      await own.ledger.revokeGrant('p', 'b', 'g', 'ops')
      expect((await give()).position.grants).toEqual([])
      await expect(own.ledger.revokeGrant('p', 'b', 'g', 'ops')).rejects.toMatchObject({ code: 'budget/not-found' })
    })

    test.each(['given', 'ended'])(
      'a span by a clock ahead of the moment a grant was %s was counted twice when it came again, and its correction was lost',
      async (change) => {
        await put('b', { thresholds: [] })
        const grant = () =>
          own.ledger.grant('p', 'b', { amount: 9n, from: own.now, to: own.now + DAY, note: '' }, 'x', 'g')
        if (change === 'ended') await grant()
        own.now += 1_000
        const ahead = { trace: 1, span: 1, at: own.now + 2_000, amounts: { usd: 50n } }
        await debit(own.ledger, 'm', [ahead])
        own.now += 1_000
        if (change === 'given') await grant()
        else await own.ledger.revokeGrant('p', 'b', 'g', 'x')
        own.now += 5_000
        await debit(own.ledger, 'again', [ahead])
        expect((await position()).spent).toBe(50n)
        await debit(own.ledger, 'corrected', [{ ...ahead, amounts: { usd: 30n }, revision: 1, matches: [] }])
        expect((await position()).spent).toBe(30n)
      },
    )

    test('what a backfill found after a grant was given was not paid by it, for it was charged as if there were none', async () => {
      await put('b', { limit: 10n, thresholds: [] })
      const { charges } = await batchOf(own.ledger, 'p', 'm', [
        { trace: 1, span: 1, at: own.now + 1_000, amounts: { usd: 15n } },
      ])
      await own.ledger.grant('p', 'b', { amount: 20n, from: own.now + 500, to: own.now + DAY, note: '' }, 'ops')
      own.now += 2_000
      await own.ledger.backfill('p', 'b', charges)
      expect(await position()).toMatchObject({ spent: 15n, grants: [{ remaining: 5n }] })
    })

    test('what a budget has spent comes back with the next period', async () => {
      await put('b', { limit: 10n })
      await debit(own.ledger, 'm', [{ trace: 1, span: 1, at: own.now, amounts: { usd: 10n } }])
      expect((await reserve('k1', 1n)).kind).toBe('denied')
      own.now += DAY
      expect((await reserve('k1', 1n)).kind).toBe('reserved')
      expect(await position('b')).toMatchObject({ period: '2026-05-11', spent: 0n, reserved: 1n })
    })
  })
}
