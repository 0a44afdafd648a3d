import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createBudgetSubscriber } from '../../functions/budget/handler.ts'
import { createLakeSubscriber } from '../../functions/lake/handler.ts'
import { createPriceSubscriber } from '../../functions/price/handler.ts'
import { createWarehouseSubscriber } from '../../functions/warehouse/handler.ts'
import { createRandom, requestSpans } from '../../scripts/bench/traffic.ts'
import { DEFAULT_TERMS } from '../../shared/budgets/budget.ts'
import { openSqliteLedger } from '../../shared/budgets/sqlite-ledger.ts'
import type { Bus, Delivery, Message, Subscriber } from '../../shared/bus/bus.ts'
import { openDirectoryStore } from '../../shared/lake/directory-store.ts'
import { encodeTraces } from '../../shared/otlp/encode.ts'
import { loadCatalogue } from '../../shared/pricing/catalogue.ts'
import { createPricer } from '../../shared/pricing/pricer.ts'
import { openSqliteTraceState } from '../../shared/pricing/sqlite-trace-state.ts'
import type { Span } from '../../shared/spans/span.ts'
import { openDuckDbStore } from '../../shared/warehouse/duckdb-store.ts'
import { openSqliteStore } from '../../shared/warehouse/sqlite-store.ts'
import type { TraceStore } from '../../shared/warehouse/trace-store.ts'

const pricer = createPricer({ catalogue: await loadCatalogue() })
const START = Date.parse('2026-11-20T23:59:00Z')

/** Real traces, cut into exports wherever: agents may come apart from their calls. */
const spans = requestSpans(createRandom(7), START).slice(0, 96)
const exports_ = fc
  .uniqueArray(fc.integer({ min: 1, max: spans.length - 1 }), { maxLength: 8 })
  .map((cuts) => [0, ...cuts.toSorted((a, b) => a - b), spans.length])
  .map((edges) => edges.slice(1).map((end, index) => spans.slice(edges[index], end)))

function toMessage(batch: readonly Span[]): Message {
  const data = encodeTraces(batch)
  const digest = createHash('sha256').update(data).digest('hex')
  return { data, attributes: { project: 'p', digest, spans: batch.length, ingestedAt: '1', traceparent: '' } }
}

/** Hands messages to a subscriber in some order, one pull at a time; all must be taken. */
async function deliver(subscriber: Subscriber, messages: readonly Message[], pull: number): Promise<void> {
  const deliveries = messages.map((message, index): Delivery => ({ ...message, id: String(index), attempt: 1 }))
  for (let index = 0; index < deliveries.length; index += pull) {
    const outcomes = await subscriber.handle(deliveries.slice(index, index + pull))
    expect(outcomes.filter(({ kind }) => kind !== 'ack')).toEqual([])
  }
}

/** Everything a user can read after the messages went through every consumer, each on its embedded adapter. */
async function run(
  batches: readonly (readonly Span[])[],
  arrange: (messages: readonly Message[]) => Message[],
  pull: number,
) {
  const folder = mkdtempSync(join(tmpdir(), 'redelivery-'))
  const ledger = openSqliteLedger({ path: join(folder, 'budgets.sqlite') })
  const priced: Message[] = []
  const bus: Bus = {
    async publish(_, messages) {
      priced.push(...messages)
    },
    async close() {},
  }
  const duckdb = await openDuckDbStore({ path: join(folder, 'warehouse.duckdb') })
  const sqlite = await openSqliteStore({ path: ':memory:' })
  const lake = createLakeSubscriber({ store: openDirectoryStore(join(folder, 'lake')) })
  const price = createPriceSubscriber({ bus, pricer, state: openSqliteTraceState({ path: ':memory:' }) })
  try {
    await ledger.put('p', 'all', { ...DEFAULT_TERMS, unit: 'usd', limit: 10n ** 15n, period: 'total' }, 'test')
    await deliver(price, arrange(batches.map(toMessage)), pull)
    await deliver(createBudgetSubscriber({ ledger }), arrange(priced), pull)
    await deliver(createWarehouseSubscriber({ writer: duckdb }), arrange(priced), pull)
    await deliver(createWarehouseSubscriber({ writer: sqlite }), arrange(priced), pull)
    await deliver(lake, arrange(priced), pull)
    return {
      duckdb: await answers(duckdb),
      sqlite: await answers(sqlite),
      lake: await lake.counts('p'),
      budget: await ledger.counts('p'),
      spent: (await ledger.get('p', 'all')).position.spent,
    }
  } finally {
    await Promise.all([duckdb.close(), sqlite.close(), ledger.close(), price.close()])
    rmSync(folder, { recursive: true, force: true })
  }
}

async function answers(store: TraceStore) {
  const filter = { project: 'p' }
  return {
    counts: await store.counts('p'),
    usage: await store.usage({ filter, groupBy: ['model', 'user'], maxRows: 1000 }),
    traces: await store.listTraces({ filter, sort: 'startTime', order: 'asc', pageSize: 100 }),
  }
}

function sum(values: readonly bigint[]): bigint {
  return values.reduce((total, value) => total + value, 0n)
}

test('law: every message delivered twice and in any order changes no number anywhere', {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(exports_, fc.integer({ min: 1, max: 5 }), fc.integer(), async (batches, pull, seed) => {
      const once = await run(batches, (messages) => [...messages], 1)
      expect(once.duckdb).toEqual(once.sqlite)
      expect(once.spent).toBe(sum(once.duckdb.usage.map(({ costPicoUsd }) => costPicoUsd ?? 0n)))
      const shuffle = (messages: readonly Message[]) => {
        const random = createRandom(seed)
        return [...messages, ...messages]
          .map((message) => ({ message, rank: random() }))
          .toSorted((a, b) => a.rank - b.rank)
          .map(({ message }) => message)
      }
      expect(await run(batches, shuffle, pull)).toEqual(once)
    }),
    { numRuns: 8 },
  )
})
