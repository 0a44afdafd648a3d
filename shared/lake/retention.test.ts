import { expect, test } from 'vitest'
import { createLog } from '../log.ts'
import { createCompactor } from './compactor.ts'
import { createLakeCounter } from './counts.ts'
import { createParquetFormat } from './parquet-format.ts'
import { planRetention, type RetentionPolicy, retain } from './retention.ts'
import { DAY, HOUR, hexId, testBatch, testSpan } from './test-spans.ts'
import { createMemoryStore, createMortalStore, Killed } from './test-store.ts'
import { createLakeWriter } from './writer.ts'

const log = createLog('lake', 'silent')
const format = createParquetFormat({ memory: 128 * 1024 * 1024 })
const HOUR_MILLIS = 3_600_000
const START = Number(DAY / 1_000_000n)

/** Two projects; `long` in day 0 and day 40, `short` in day 0 hour 0 and 1. */
async function openLake() {
  let clock = START + 41 * 24 * HOUR_MILLIS
  const now = () => clock
  const store = createMemoryStore(now)
  const writer = createLakeWriter({ store, format, log, now })
  const span = (id: number, start: bigint) => testSpan({ spanId: hexId(id, 16), startTimeUnixNano: start })
  await writer.write(
    [
      testBatch('a', [span(1, DAY), span(2, DAY + HOUR)], 'short'),
      testBatch('b', [span(3, DAY)], 'long'),
      { ...testBatch('c', [span(4, DAY + 40n * 24n * HOUR)], 'long') },
    ].map((batch) => ({ ...batch, context: { ...batch.context, ingestedAt: DAY + 40n * 24n * HOUR } })),
  )
  const counts = createLakeCounter({ store, format })
  const compactor = () => createCompactor({ store, format, log, now })
  const apply = async (policy: RetentionPolicy, through = store as Parameters<typeof retain>[1]['store']) => {
    const steps = await planRetention({ store: through, format, policy, now: clock })
    await retain(steps, { store: through, compactor: createCompactor({ store: through, format, log, now }) })
    return steps.map(({ prefix, kind, expired }) => [prefix.slice(7), kind, ...expired])
  }
  const settle = async () => {
    for (let pass = 0; pass < 3; pass++) {
      clock += HOUR_MILLIS
      await compactor().run()
    }
  }
  const names = () => [...store.objects.keys()].filter((name) => name.startsWith('traces/')).sort()
  return {
    store,
    counts,
    apply,
    settle,
    names,
    setClock: (time: number) => {
      clock = time
    },
    now,
  }
}

test('what a project keeps no longer is deleted, or left out where others keep theirs', async () => {
  const { counts, apply, settle, names } = await openLake()
  expect(await apply({ projects: { short: 30 } })).toStrictEqual([
    ['dt=2026-02-05/hr=00/', 'rewrite', 'short'],
    ['dt=2026-02-05/hr=01/', 'delete', 'short'],
  ])
  await settle()
  expect(names()).toStrictEqual([
    'traces/dt=2026-02-05/hr=00/spans_0001-0001_v1_1of1.parquet',
    'traces/dt=2026-03-17/hr=00/spans_0001-0001_v1_1of1.parquet',
  ])
  expect(await counts('short')).toMatchObject({ stored: 0n, expired: 2n })
  expect(await counts('long')).toMatchObject({ stored: 2n, expired: 0n })
  expect(await apply({ projects: { short: 30 } })).toStrictEqual([])
  expect(await apply({ days: 30, projects: { short: 30 } })).toStrictEqual([['dt=2026-02-05/hr=00/', 'delete', 'long']])
  expect(await counts('long')).toMatchObject({ stored: 1n, expired: 1n })
  expect(await counts('short')).toMatchObject({ stored: 0n, expired: 2n })
})

test('a wrong clock deletes nothing of the newest data', async () => {
  const { apply, names, setClock } = await openLake()
  setClock(START + 10_000 * 24 * HOUR_MILLIS)
  await apply({ days: 3, projects: {} })
  expect(names()).toStrictEqual(['traces/dt=2026-03-17/hr=00/spans_0001.parquet'])
})

test('no policy, no step; and nothing is deleted before its time', async () => {
  const { apply } = await openLake()
  expect(await apply({ projects: {} })).toStrictEqual([])
  expect(await apply({ days: 45, projects: {} })).toStrictEqual([])
})

test('counts hold wherever retention is cut short', async () => {
  for (let at = 0; at < 24; at++) {
    const { store, counts, apply, settle } = await openLake()
    const mortal = createMortalStore(store, { at, done: at % 2 === 0, observe: () => {} })
    await apply({ days: 30, projects: {} }, mortal).catch((error) => {
      if (!(error instanceof Killed)) throw error
    })
    const between = await counts('short')
    expect(between.stored + between.expired).toBe(2n)
    await apply({ days: 30, projects: {} })
    await settle()
    expect(await counts('short')).toMatchObject({ stored: 0n, expired: 2n })
    expect(await counts('long')).toMatchObject({ stored: 1n, expired: 1n })
  }
})
