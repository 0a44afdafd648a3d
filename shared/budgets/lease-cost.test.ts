import { Firestore } from '@google-cloud/firestore'
import { expect, test } from 'vitest'
import { canRun, planFirestore, startEmulator } from '../../test/emulators/emulator.ts'
import { countOperations, type Operations } from '../../test/support/firestore-operations.ts'
import { openFirestoreLedger } from './firestore-ledger.ts'
import { LeaseClient } from './lease-client.ts'
import { debit, NOON, termsOf } from './ledger.fixtures.ts'
import type { BudgetLedger } from './ledger.ts'

const CALLS = 1_000
/** Of them so many are reserved one by one, each at the same cost. */
const RESERVED = 50
const PER_MESSAGE = 50
const request = { project: 'p', subject: {}, ttlMs: 600_000 }
const one = { usd: 10n, tokens: 10n, requests: 1n }

/** Reserves and settles each call. */
async function callByCall(ledger: BudgetLedger): Promise<string[]> {
  const names: string[] = []
  for (let i = 0; i < RESERVED; i++) {
    const result = await ledger.reserve({ ...request, idempotencyKey: `k${i}`, amounts: one })
    if (result.kind === 'denied') throw new Error('denied')
    names.push(result.reservation.id)
    await ledger.settle('p', result.reservation.id, { usd: 10n })
  }
  return names
}

/** Leases slices of a hundred calls. */
async function byLeases(ledger: BudgetLedger): Promise<string[]> {
  const client = new LeaseClient({
    slice: { usd: 1_000n },
    now: () => NOON,
    lease: async (key, total) => {
      const amounts = { ...one, ...total }
      const result = await ledger.lease({ ...request, idempotencyKey: key, amounts })
      if (result.kind === 'denied') return null
      const { id, amounts: granted, expiresAt } = result.reservation
      return { leaseId: id, granted, expiresAt }
    },
    giveBack: (id, used) => ledger.returnLease('p', id, used),
  })
  const names: string[] = []
  for (let i = 0; i < CALLS; i++) names.push((await client.spend({ usd: 10n }))?.leaseId ?? '')
  await client.close()
  return names
}

/** The calls' spans, in messages of many. */
async function spans(ledger: BudgetLedger, names: readonly string[]): Promise<void> {
  for (let at = 0; at < names.length; at += PER_MESSAGE) {
    const message = names
      .slice(at, at + PER_MESSAGE)
      .map((reservation, i) => ({ trace: 1, span: at + i + 1, at: NOON, amounts: { usd: 10n }, reservation }))
    await debit(ledger, `m${at}`, message)
  }
}

const plan = planFirestore()
test.skipIf(!canRun('Firestore', plan))(
  'a thousand leased calls ask and write far less than a thousand reserved ones',
  { timeout: 60_000 },
  async () => {
    const emulator = await startEmulator(plan)
    try {
      const measure = async (decide: (ledger: BudgetLedger) => Promise<string[]>) => {
        const firestore = new Firestore({ projectId: 'cost', host: emulator.host, ssl: false })
        const counts = countOperations(firestore)
        const ledger = openFirestoreLedger({ firestore, prefix: decide.name, now: () => NOON, debitEveryMs: 0 })
        await ledger.put('p', 'b', termsOf({ limit: 1_000_000n, thresholds: [] }), '')
        const before = { ...counts }
        const names = await decide(ledger)
        const decided = { reads: counts.reads - before.reads, writes: counts.writes - before.writes }
        const middle = { ...counts }
        await spans(ledger, names)
        const debited = { reads: counts.reads - middle.reads, writes: counts.writes - middle.writes }
        expect((await ledger.get('p', 'b')).position).toMatchObject({ spent: BigInt(names.length) * 10n, reserved: 0n })
        await ledger.close()
        const times = CALLS / names.length
        const scaled = ({ reads, writes }: Operations) => ({ reads: reads * times, writes: writes * times })
        return { decided: scaled(decided), debited: scaled(debited) }
      }
      const leased = await measure(byLeases)
      const reserved = await measure(callByCall)
      process.stderr.write(`${CALLS} calls on Firestore: ${JSON.stringify({ leased, reserved })}\n`)
      expect(leased.decided.writes * 20).toBeLessThan(reserved.decided.writes)
      expect(leased.decided.reads * 20).toBeLessThan(reserved.decided.reads)
      expect(leased.debited.writes * 10).toBeLessThan(reserved.debited.writes)
    } finally {
      await emulator.stop()
    }
  },
)
