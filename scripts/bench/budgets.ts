import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Firestore } from '@google-cloud/firestore'
import { createBudgetSubscriber } from '../../functions/budget/handler.ts'
import { DEFAULT_TERMS } from '../../shared/budgets/budget.ts'
import { openFirestoreLedger } from '../../shared/budgets/firestore-ledger.ts'
import type { BudgetLedger } from '../../shared/budgets/ledger.ts'
import { openSqliteLedger } from '../../shared/budgets/sqlite-ledger.ts'
import { canRun, planFirestore, startEmulator } from '../../test/emulators/emulator.ts'
import { percentile, round } from './measure.ts'
import { syntheticDelivery, type Traffic } from './synthetic-spans.ts'

/**
 * `node scripts/bench/budgets.ts`: 200 reservations at once on a budget with room for exactly 100, on a SQLite file and on Google's
 * Firestore emulator (null where there is none), by wall clock; and the CPU time that debiting takes for a span, at 20,000 spans a second. Prints JSON.
 */
const ASKED = 200
const ROOM = 100
const ROUNDS = 9
const MESSAGES = 40
const SPANS_PER_MESSAGE = 512
const TERMS = { ...DEFAULT_TERMS, unit: 'usd', limit: 10n ** 18n, period: 'day', thresholds: [] } as const

/** How many were admitted each time, and milliseconds: until all were answered, and of the answers. */
async function benchReservations(ledger: BudgetLedger) {
  const all: number[] = []
  const each: number[] = []
  const admitted = new Set<number>()
  for (let turn = 0; turn < ROUNDS; turn++) {
    const project = `round-${turn}`
    await ledger.put(project, 'b', { ...TERMS, limit: BigInt(ROOM) }, '')
    const begin = performance.now()
    const results = await Promise.all(
      Array.from({ length: ASKED }, async (_, i) => {
        const amounts = { usd: 1n, tokens: 1n, requests: 1n }
        const request = { project, idempotencyKey: `k${i}`, subject: {}, amounts, ttlMs: 60_000 }
        const { kind } = await ledger.reserve(request)
        each.push(performance.now() - begin)
        return kind
      }),
    )
    all.push(performance.now() - begin)
    admitted.add(results.filter((kind) => kind === 'reserved').length)
  }
  await ledger.close()
  return {
    ...{ asked: ASKED, room: ROOM, admitted: [...admitted] },
    ...{
      allMs: round(percentile(all, 0.5)),
      p50Ms: round(percentile(each, 0.5)),
      p99Ms: round(percentile(each, 0.99)),
    },
  }
}

/** Microseconds of CPU that one span takes the consumer, in pulls of 40 messages of 512 spans, without the decoding where there is no budget. */
async function benchDebits(path: string, budgets: number): Promise<number> {
  const traffic: Traffic = {
    ...{ project: 'p', spansPerRequest: SPANS_PER_MESSAGE },
    ...{ from: BigInt(Date.now() - 60_000) * 1_000_000n, step: 50_000n },
  }
  const deliveries = (turn: number) =>
    Array.from({ length: MESSAGES }, (_, i) => syntheticDelivery(traffic, turn * MESSAGES + i))
  const ledger = openSqliteLedger({ path })
  for (let i = 0; i < budgets; i++) await ledger.put('p', `b${i}`, TERMS, '')
  const subscriber = createBudgetSubscriber({ ledger })
  const times: number[] = []
  for (let turn = 0; turn < ROUNDS; turn++) {
    const given = deliveries(turn)
    const before = process.cpuUsage()
    await subscriber.handle(given)
    const { user, system } = process.cpuUsage(before)
    times.push((user + system) / (MESSAGES * SPANS_PER_MESSAGE))
  }
  await subscriber.close()
  return round(percentile(times, 0.5), 2)
}

const folder = await mkdtemp(join(tmpdir(), 'spanledger-bench-'))
const emulator = canRun('Firestore', planFirestore()) ? await startEmulator(planFirestore()) : undefined
try {
  const sqlite = await benchReservations(openSqliteLedger({ path: join(folder, 'reservations.sqlite') }))
  const firestore =
    emulator === undefined
      ? null
      : await benchReservations(
          openFirestoreLedger({ firestore: new Firestore({ projectId: 'bench', host: emulator.host, ssl: false }) }),
        )
  const debitUs: Record<string, number> = {}
  for (const budgets of [0, 1, 5]) debitUs[budgets] = await benchDebits(join(folder, `${budgets}.sqlite`), budgets)
  console.log(JSON.stringify({ reservations: { sqlite, firestore }, debitUsBySpanAndBudgets: debitUs }))
} finally {
  await emulator?.stop()
  await rm(folder, { recursive: true, force: true })
}
