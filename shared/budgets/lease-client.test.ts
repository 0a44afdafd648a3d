import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Amounts } from './amount.ts'
import { type GrantedLease, LeaseClient, type LeasedCall } from './lease-client.ts'
import { debit, NOON, termsOf } from './ledger.fixtures.ts'
import { openSqliteLedger } from './sqlite-ledger.ts'

const TTL_MS = 60_000

function world() {
  const clock = { now: NOON }
  const ledger = openSqliteLedger({ path: ':memory:', now: () => clock.now })
  const state = { asked: 0, down: false }
  const lease = async (key: string, total: Amounts): Promise<GrantedLease | null> => {
    state.asked++
    if (state.down) throw new Error('down')
    const amounts = { tokens: 1n, requests: 1n, usd: 0n, ...total }
    const request = { project: 'p', idempotencyKey: key, subject: {}, amounts, ttlMs: TTL_MS }
    const result = await ledger.lease(request)
    if (result.kind === 'denied') return null
    const { id, amounts: granted, expiresAt } = result.reservation
    return { leaseId: id, granted, expiresAt }
  }
  const giveBack = (id: string, used: Amounts) => ledger.returnLease('p', id, used)
  const create = (slice: bigint) =>
    new LeaseClient({ lease, giveBack, slice: { usd: slice }, now: () => clock.now, marginMs: 5_000 })
  const position = async () => (await ledger.get('p', 'b')).position
  return { clock, ledger, state, create, position }
}

test('many calls cost a round trip for each half of a slice', async () => {
  const { ledger, state, create, position } = world()
  await ledger.put('p', 'b', termsOf({ limit: 100_000n }), '')
  const client = create(1_000n)
  for (let i = 0; i < 1_000; i++) expect(await client.spend({ usd: 10n })).toBeDefined()
  expect(state.asked).toBeLessThanOrEqual(21)
  expect((await position()).reserved).toBeLessThanOrEqual(11_000n)
  await client.close()
  expect((await position()).reserved).toBe(10_000n)
})

test('what calls did not cost can be spent by others', async () => {
  const { ledger, create, position } = world()
  await ledger.put('p', 'b', termsOf({ limit: 100n }), '')
  const client = create(100n)
  const call = (await client.spend({ usd: 60n })) as LeasedCall
  expect(client.trySpend({ usd: 60n })).toBeUndefined()
  call.done({ usd: 20n })
  call.done({ usd: 1n })
  expect(client.trySpend({ usd: 60n })).toBeDefined()
  expect(await client.spend({ usd: 21n })).toBeUndefined()
  await client.close()
  expect((await position()).remaining).toBe(20n)
})

test('a lease that nears its end is replaced, and what it has left given back', async () => {
  const { clock, ledger, create, position } = world()
  await ledger.put('p', 'b', termsOf({ limit: 1_000n }), '')
  const client = create(600n)
  const first = (await client.spend({ usd: 100n })) as LeasedCall
  clock.now += TTL_MS - 5_000
  expect(client.trySpend({ usd: 100n })).toBeUndefined()
  const second = (await client.spend({ usd: 100n })) as LeasedCall
  expect(second.leaseId).not.toBe(first.leaseId)
  expect((await position()).reserved).toBe(100n + 400n)
})

test('without the server it spends what is in hand, then says so', async () => {
  const { ledger, state, create } = world()
  await ledger.put('p', 'b', termsOf({ limit: 1_000n }), '')
  const client = create(100n)
  expect(await client.spend({ usd: 40n })).toBeDefined()
  state.down = true
  expect(await client.spend({ usd: 60n })).toBeDefined()
  await expect(client.spend({ usd: 1n })).rejects.toThrow('down')
  state.down = false
  expect(await client.spend({ usd: 1n })).toBeDefined()
})

test('several clients with exact estimates never spend beyond the limit, and leave nothing held', async () => {
  const anyStep = fc.record({
    client: fc.nat(2),
    estimate: fc.bigInt(1n, 30n),
    share: fc.integer({ min: 0, max: 100 }),
    pause: fc.constantFrom(0, 0, 1_000, 30_000),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { maxLength: 40 }), fc.bigInt(1n, 80n), async (steps, slice) => {
      const { clock, ledger, create, position } = world()
      await ledger.put('p', 'b', termsOf({ limit: 300n, thresholds: [] }), '')
      const clients = [create(slice), create(slice), create(slice)]
      let spent = 0n
      for (const [i, { client, estimate, share, pause }] of steps.entries()) {
        clock.now += pause
        const call = await clients[client]?.spend({ usd: estimate })
        if (call === undefined) {
          expect((await position()).remaining).toBeLessThan(estimate)
          continue
        }
        const usd = (estimate * BigInt(share)) / 100n
        call.done({ usd })
        spent += usd
        await debit(ledger, `m${i}`, [
          { trace: 1, span: i + 1, at: clock.now, amounts: { usd }, reservation: call.leaseId },
        ])
        expect((await position()).spent).toBe(spent)
        expect(spent).toBeLessThanOrEqual(300n)
      }
      for (const client of clients) await client.close()
      expect(await position()).toMatchObject({ spent, reserved: 0n })
      await ledger.close()
    }),
    { numRuns: 60 },
  )
})
