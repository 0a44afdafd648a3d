import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { BudgetTerms } from './budget.ts'
import { budgetVersion } from './budget.ts'
import { batchOf, debit, NOON, termsOf } from './ledger.fixtures.ts'
import type { BudgetLedger, Entry } from './ledger.ts'

const DAY = 86_400_000

export interface SuiteOptions {
  /** A ledger with nothing in it, whose clock is `now`. */
  readonly open: (now: () => number) => Promise<BudgetLedger>
  /** Runs of each property. */
  readonly runs: number
}

/** What every adapter of the ledger must do. */
export function ledgerSuite(name: string, { open, runs }: SuiteOptions): void {
  describe(`budget ledger on ${name}`, () => {
    let now = NOON
    let ledger: BudgetLedger
    beforeEach(async () => {
      now = NOON
      ledger = await open(() => now)
    })
    afterEach(() => ledger.close())

    const position = async (id: string, project = 'p') => (await ledger.get(project, id)).position
    const put = (id: string, changes: Partial<BudgetTerms> = {}) => ledger.put('p', id, termsOf(changes), 'admin')
    const reserve = (key: string, usd: bigint) => {
      const amounts = { usd, tokens: 10n, requests: 1n }
      return ledger.reserve({ project: 'p', idempotencyKey: key, subject: {}, amounts, ttlMs: 60_000 })
    }
    const history = async (id: string) => {
      const entries: Entry[] = []
      let after: string | undefined
      do {
        const page = await ledger.entries('p', id, { pageSize: 3, ...(after !== undefined && { after }) })
        expect(page.items.length).toBeLessThanOrEqual(3)
        entries.push(...page.items)
        after = page.next ?? undefined
      } while (after !== undefined)
      return entries
    }

    describe('administration', () => {
      test('made, listed by pages, changed, deleted; a project sees only its own', async () => {
        for (const id of ['c', 'a', 'b']) expect((await put(id)).created).toBe(true)
        await ledger.put('other', 'x', termsOf(), '')
        const first = await ledger.list('p', { pageSize: 2 })
        expect(first.items.map(({ budget }) => budget.id)).toEqual(['a', 'b'])
        const second = await ledger.list('p', { pageSize: 2, after: first.next ?? '' })
        expect(second.items.map(({ budget }) => budget.id)).toEqual(['c'])
        expect(second.next).toBeNull()
        expect((await put('a', { limit: 5n })).created).toBe(false)
        await ledger.delete('p', 'b', 'admin')
        await expect(ledger.get('p', 'b')).rejects.toMatchObject({ code: 'budget/not-found' })
        await expect(ledger.delete('p', 'b', '')).rejects.toMatchObject({ code: 'budget/not-found' })
        await expect(ledger.get('p', 'x')).rejects.toMatchObject({ code: 'budget/not-found' })
      })

      test('setting a limit leaves what was spent (lessons: budgets 5)', async () => {
        await put('b')
        await debit(ledger, 'm', [{ trace: 1, span: 1, at: now, amounts: { usd: 700n } }])
        const { balance } = await put('b', { limit: 2_000n })
        expect(balance.position).toMatchObject({ spent: 700n, remaining: 1_300n })
      })

      test('another question is counted anew', async () => {
        await put('b')
        await debit(ledger, 'm', [{ trace: 1, span: 1, at: now, amounts: { usd: 700n } }])
        expect((await put('b', { period: 'month' })).balance.position.spent).toBe(0n)
        await ledger.delete('p', 'b', '')
        expect((await put('b', { period: 'month' })).balance.position.spent).toBe(0n)
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
        await ledger.release('p', id)
        expect([anew.reserved, (await position('b')).reserved]).toEqual([0n, 0n])
      })

      test('amounts of a history were taken for the unit that the budget has now', async () => {
        const units = async () => (await history('b')).map(({ kind, amount, unit }) => `${kind} ${amount} ${unit}`)
        await put('b', { thresholds: [] })
        await debit(ledger, 'm', [{ trace: 1, span: 1, at: now, amounts: { usd: 700n, tokens: 3n } }])
        await put('b', { thresholds: [], unit: 'tokens', limit: 50n })
        await debit(ledger, 'm2', [{ trace: 1, span: 2, at: now, amounts: { usd: 5n, tokens: 4n } }])
        await ledger.delete('p', 'b', '')
        const ofBoth = ['debited 700 usd', 'created 0 usd', 'debited 4 tokens', 'updated 0 tokens', 'deleted 0 tokens']
        expect((await units()).sort()).toEqual(ofBoth.sort())
        await put('b', { thresholds: [], unit: 'requests', limit: 1n })
        expect((await units()).sort()).toEqual([...ofBoth, 'created 0 requests'].sort())
      })

      test('every change is an entry with who and when, and the amounts add up to what is spent', async () => {
        await put('b', { thresholds: [] })
        await debit(ledger, 'm1', [{ trace: 1, span: 1, at: now, amounts: { usd: 300n } }])
        now += 61_000
        await debit(ledger, 'm2', [{ trace: 1, span: 2, at: now, amounts: { usd: 200n } }])
        await ledger.reset('p', 'b', 'ops', 'new contract')
        await debit(ledger, 'm3', [{ trace: 1, span: 3, at: now, amounts: { usd: 50n } }])
        const bucket = (await history('b')).find(({ bucket }) => bucket !== null)?.bucket as number
        const correction = { generation: 1, bucket, amount: -10n, actor: 'reconcile', note: 'counted twice', after: 0 }
        expect(await ledger.correct('p', 'b', correction)).toBe(true)
        await put('b', { limit: 7n })
        const entries = await history('b')
        expect(entries.map(({ kind, actor }) => `${kind} ${actor}`)).toEqual(
          expect.arrayContaining([
            'updated admin',
            'corrected reconcile',
            'reset ops',
            'created admin',
            'debited spans',
          ]),
        )
        expect(entries.at(-1)?.kind).toBe('created')
        expect(entries.reduce((sum, { amount }) => sum + amount, 0n)).toBe((await position('b')).spent)
        expect((await position('b')).spent).toBe(40n)
      })

      test('of two who change what they have read, the second is told', async () => {
        const { budget } = (await put('b')).balance
        const version = budgetVersion(budget)
        const change = (limit: bigint) => ledger.put('p', 'b', termsOf({ limit }), 'admin', version)
        const tries = await Promise.allSettled([change(1n), change(2n)])
        expect(tries.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
        await expect(change(3n)).rejects.toMatchObject({ code: 'budget/changed' })
        await ledger.delete('p', 'b', '')
        await expect(change(3n)).rejects.toMatchObject({ code: 'budget/changed' })
        await expect(ledger.put('p', 'new', termsOf(), '', version)).rejects.toMatchObject({ code: 'budget/changed' })
      })

      test('a change whose answer was lost was refused when it was sent again, as if somebody else had made it', async () => {
        const version = budgetVersion((await put('b')).balance.budget)
        now += 1_000
        const change = () => ledger.put('p', 'b', termsOf({ limit: 5n }), 'admin', version)
        const { balance } = await change()
        now += 1_000
        expect(await change()).toEqual({ balance, created: false })
        expect((await history('b')).map(({ kind }) => kind)).toEqual(['updated', 'created'])
        await put('b', { limit: 6n })
        await expect(change()).rejects.toMatchObject({ code: 'budget/changed' })
      })

      test('a history of many periods is paged, each line once', async () => {
        await put('b', { period: 'hour', thresholds: [] })
        for (let hour = 0; hour < 7; hour++) {
          now += 3_600_000
          await debit(ledger, `m${hour}`, [{ trace: 1, span: hour + 1, at: now, amounts: { usd: 3n } }])
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
        await debit(ledger, 'm', [{ trace: 1, span: 1, at: now, amounts: { usd: 300n } }])
        const [found] = await ledger.spanSums('p', 'b')
        if (found === undefined) throw new Error('nothing was debited')
        expect(found).toMatchObject({ amount: 300n, corrections: 0 })
        const correction = { generation: 1, bucket: found.bucket, amount: 40n, actor: 'reconcile', note: '', after: 0 }
        const tries = await Promise.all([1, 2, 3].map(() => ledger.correct('p', 'b', correction)))
        expect(tries.filter(Boolean)).toHaveLength(1)
        expect(await ledger.correct('p', 'b', correction)).toBe(false)
        expect(await ledger.correct('p', 'b', { ...correction, after: 1, generation: 2 })).toBe(false)
        expect(await ledger.spanSums('p', 'b')).toEqual([{ ...found, amount: 340n, corrections: 1 }])
        expect((await position('b')).spent).toBe(340n)
        expect(await ledger.projects()).toEqual(['p'])
      })

      test('spans debited again with a reason are corrections, and those already counted add nothing', async () => {
        await put('b', { thresholds: [] })
        const spans = [1, 2].map((span) => ({ trace: 1, span, at: now, amounts: { usd: 30n } }))
        await debit(ledger, 'm', spans.slice(0, 1))
        const again = async (name: string) =>
          ledger.debit([await batchOf(ledger, 'p', name, spans)], { reason: 'lost' })
        await again('x')
        await again('y')
        await debit(ledger, 'late', spans)
        expect((await position('b')).spent).toBe(60n)
        const corrected = (await history('b')).filter(({ kind }) => kind === 'corrected')
        expect(corrected).toMatchObject([{ amount: 30n, actor: 'reconcile', note: 'lost' }])
        expect(await ledger.spanSums('p', 'b')).toMatchObject([{ amount: 60n, corrections: 1 }])
      })

      test('a grant lets through what the limit would not', async () => {
        await put('b', { limit: 10n })
        expect((await reserve('k1', 15n)).kind).toBe('denied')
        await ledger.grant('p', 'b', { amount: 20n, from: now, to: now + DAY, note: '' }, 'ops')
        expect((await reserve('k2', 15n)).kind).toBe('reserved')
      })

      test('a grant that is revoked ends: what it has paid stays paid, and an entry says who ended it', async () => {
        await put('b', { limit: 10n, thresholds: [] })
        const { position: given } = await ledger.grant(
          'p',
          'b',
          { amount: 20n, from: now, to: now + DAY, note: '' },
          'x',
        )
        const { id } = given.grants[0]?.grant ?? { id: '' }
        now += 1_000
        await debit(ledger, 'm', [{ trace: 1, span: 1, at: now, amounts: { usd: 15n } }])
        now += 1_000
        const { position: ended } = await ledger.revokeGrant('p', 'b', id, 'ops')
        expect(ended).toMatchObject({ spent: 15n, remaining: 10n, grants: [] })
        await debit(ledger, 'm2', [{ trace: 1, span: 2, at: now, amounts: { usd: 4n } }])
        expect(await position('b')).toMatchObject({ spent: 19n, remaining: 6n })
        expect((await history('b')).map(({ kind, actor }) => `${kind} ${actor}`)).toContain('revoked ops')
        await expect(ledger.revokeGrant('p', 'b', id, 'ops')).rejects.toMatchObject({ code: 'budget/not-found' })
        const later = await ledger.grant('p', 'b', { amount: 9n, from: now + DAY, to: now + 2 * DAY, note: '' }, 'x')
        const { position: none } = await ledger.revokeGrant('p', 'b', later.position.grants[0]?.grant.id ?? '', 'ops')
        expect(none.grants).toEqual([])
      })

      test('what a budget has spent comes back with the next period', async () => {
        await put('b', { limit: 10n })
        await debit(ledger, 'm', [{ trace: 1, span: 1, at: now, amounts: { usd: 10n } }])
        expect((await reserve('k1', 1n)).kind).toBe('denied')
        now += DAY
        expect((await reserve('k1', 1n)).kind).toBe('reserved')
        expect(await position('b')).toMatchObject({ period: '2026-05-11', spent: 0n, reserved: 1n })
      })
    })

    describe('debits', () => {
      test('a message is debited once, and all of its spans are counted', async () => {
        await put('b')
        const spans = [1, 2, 3].map((span) => ({ trace: 1, span, at: now, amounts: { usd: 10n } }))
        expect(await debit(ledger, 'm', spans)).toBe('debited')
        expect(await debit(ledger, 'm', spans)).toBe('duplicate')
        expect((await position('b')).spent).toBe(30n)
        expect(await debit(ledger, 'other project', spans, 'q')).toBe('debited')
        expect(await ledger.counts('p')).toEqual({ stored: 3n, duplicates: 0n })
        expect(await ledger.counts('q')).toEqual({ stored: 3n, duplicates: 0n })
        expect(await ledger.counts('none')).toEqual({ stored: 0n, duplicates: 0n })
      })

      test('a span debits the period that it began in, however late it comes', async () => {
        await put('b')
        const midnight = Date.UTC(2026, 4, 10)
        await debit(ledger, 'm', [
          { trace: 1, span: 1, at: midnight - 1, amounts: { usd: 3n } },
          { trace: 1, span: 2, at: midnight, amounts: { usd: 5n } },
        ])
        expect((await position('b')).spent).toBe(5n)
      })

      test('budgets that have changed meanwhile are read again', async () => {
        await put('a')
        const batch = await batchOf(ledger, 'p', 'm', [{ trace: 1, span: 1, at: now, amounts: { usd: 1n } }])
        await put('b')
        expect(await ledger.debit([batch])).toEqual(['stale'])
        expect(await ledger.counts('p')).toEqual({ stored: 0n, duplicates: 0n })
        await debit(ledger, 'm', [{ trace: 1, span: 1, at: now, amounts: { usd: 1n } }])
        expect([(await position('a')).spent, (await position('b')).spent]).toEqual([1n, 1n])
      })

      test('calls of unknown cost are counted as unknown, never as nothing', async () => {
        await put('b')
        await debit(ledger, 'm', [{ trace: 1, span: 1, at: now, amounts: { requests: 1n } }])
        expect(await position('b')).toMatchObject({ spent: 0n, unknown: 1 })
      })

      test.each(['last', 'first'])(
        'a correction that comes %s holds, and reaches every budget of the span',
        async (order) => {
          await put('a')
          await put('b')
          const span = { trace: 1, span: 1, at: now, amounts: { usd: 100n }, matches: ['a'] }
          const correction = { ...span, amounts: { usd: 30n }, revision: 5, matches: [] }
          const older = { ...span, amounts: { usd: 70n }, revision: 4, matches: [] }
          const messages = [span, older, correction]
          for (const [i, message] of (order === 'last' ? messages : messages.toReversed()).entries()) {
            await debit(ledger, `m${i}`, [message])
          }
          expect(await position('a')).toMatchObject({ spent: 30n })
          expect(await position('b')).toMatchObject({ spent: 0n })
          await debit(ledger, 'again', [{ ...span, amounts: { usd: 500n } }])
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
              await ledger.put(project, 'today', termsOf({ thresholds: [] }), '')
              await ledger.put(project, 'all', termsOf({ period: 'total', thresholds: [] }), '')
              const toSpans = (message: (typeof messages)[number]) =>
                message.map(({ trace, span }) => ({
                  trace,
                  span,
                  at: now - (span % 2) * DAY,
                  amounts: { usd: amountOf(trace, span) },
                }))
              for (const index of [...order, ...messages.keys()]) {
                const message = messages[index]
                if (message !== undefined) await debit(ledger, `${project}/${index}`, toSpans(message), project)
              }
              const distinct = new Map(messages.flat().map(({ trace, span }) => [`${trace}/${span}`, { trace, span }]))
              const sum = (spans: Iterable<{ trace: number; span: number }>) =>
                [...spans].reduce((total, { trace, span }) => total + amountOf(trace, span), 0n)
              expect((await position('all', project)).spent).toBe(sum(distinct.values()))
              const even = [...distinct.values()].filter(({ span }) => span % 2 === 0)
              expect((await position('today', project)).spent).toBe(sum(even))
              expect((await ledger.counts(project)).stored).toBe(BigInt(messages.flat().length))
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
          debit(ledger, name, [{ trace: 1, span: name.length, at: now, amounts: { usd } }])
        const due = async () => {
          const alerts = await ledger.dueAlerts(10)
          await ledger.alertsPublished(alerts.map(({ id }) => id))
          return alerts.map(({ period, threshold }) => `${period} ${threshold}`).sort()
        }
        await spend('m', 49n)
        expect(await due()).toEqual([])
        await spend('mm', 60n)
        await spend('mmm', 60n)
        expect(await due()).toEqual(['2026-05-10 0.5', '2026-05-10 1'])
        await put('b', { limit: 90n, thresholds: [0.5, 1] })
        expect(await due()).toEqual([])
        now += DAY
        await spend('mmmm', 95n)
        expect(await due()).toEqual(['2026-05-11 0.5', '2026-05-11 1'])
        expect(await ledger.dueAlerts(10)).toEqual([])
      })

      test('lowering the limit below what is spent is told', async () => {
        await put('b', { limit: 100n, thresholds: [1] })
        await debit(ledger, 'm', [{ trace: 1, span: 1, at: now, amounts: { usd: 50n } }])
        expect(await ledger.dueAlerts(10)).toEqual([])
        await put('b', { limit: 40n, thresholds: [1] })
        expect(await ledger.dueAlerts(10)).toMatchObject([{ budgetId: 'b', threshold: 1, spent: 50n, allowance: 40n }])
      })
    })

    test('a sum beyond 2^63 is refused, and nothing of it is kept', async () => {
      await put('b', { thresholds: [] })
      const huge = 2n ** 63n - 1n
      await debit(ledger, 'm1', [{ trace: 1, span: 1, at: now, amounts: { usd: huge } }])
      await expect(debit(ledger, 'm2', [{ trace: 1, span: 2, at: now, amounts: { usd: huge } }])).rejects.toMatchObject(
        {
          code: 'budget/invalid',
        },
      )
      expect((await position('b')).spent).toBe(huge)
      expect((await ledger.counts('p')).stored).toBe(1n)
    })

    test('names of projects and subjects are data, whatever they hold', async () => {
      for (const project of ['..', '__x__', 'a/b', "'; --", 'é'.repeat(700), '😀'.repeat(400)]) {
        await ledger.put(project, 'b', termsOf({ selector: { user: [project] } }), project)
        await debit(ledger, 'm', [{ trace: 1, span: 1, at: now, amounts: { usd: 7n } }], project)
        expect((await position('b', project)).spent).toBe(7n)
      }
    })
  })
}
