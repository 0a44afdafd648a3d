import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { SpanledgerError } from '../errors.ts'
import { createLog } from '../log.ts'
import { createCompactor } from './compactor.ts'
import { createLakeCounter } from './counts.ts'
import { planRetention, type RetentionPolicy, retain } from './retention.ts'
import { createObservedParquet } from './schedules.formats.ts'
import { DAY, HOUR, hexId, testBatch, testSpan } from './test-spans.ts'
import { createMemoryStore, createMortalStore, Killed } from './test-store.ts'
import { createLakeWriter } from './writer.ts'

const log = createLog('lake', 'silent')
const { format, readRows } = createObservedParquet()
const HOUR_MILLIS = 3_600_000
const START = Number(DAY / 1_000_000n)

/** Two projects; `long` in day 0 and day 40, `short` in day 0 hour 0 and 1. */
async function openLake() {
  let clock = START + 41 * 24 * HOUR_MILLIS
  const now = () => clock
  const store = createMemoryStore(now)
  const writer = createLakeWriter({ store, format, log, now })
  const span = (id: number, start: bigint) => testSpan({ spanId: hexId(id, 16), startTimeUnixNano: start })
  const messages = [
    testBatch('a', [span(1, DAY), span(2, DAY + HOUR)], 'short'),
    testBatch('b', [span(3, DAY)], 'long'),
    testBatch('c', [span(4, DAY + 40n * 24n * HOUR)], 'long'),
    // Of a span that never came.
    { ...testBatch('d', [], 'long'), corrections: [span(5, DAY - 35n * 24n * HOUR)] },
  ]
  const write = async (batches: typeof messages = messages) => {
    const ingestedAt = BigInt(clock) * 1_000_000n
    const received = batches.map((batch) => ({ ...batch, context: { ...batch.context, ingestedAt } }))
    expect((await writer.write(received)).filter((failure) => failure !== undefined)).toStrictEqual([])
  }
  await write()
  const counts = createLakeCounter({ store, format })
  const compactor = () => createCompactor({ store, format, log, now })
  const plan = (policy: RetentionPolicy) => planRetention({ store, format, policy, now: clock })
  const apply = async (policy: RetentionPolicy, through = store as Parameters<typeof retain>[1]['store']) => {
    const { steps } = await planRetention({ store: through, format, policy, now: clock })
    await retain(steps, { store: through, compactor: createCompactor({ store: through, format, log, now }) })
    return steps.map((step) => [step.kind, step.prefix, ...(step.kind === 'expire' ? step.expired : [])])
  }
  const settle = async () => {
    for (let pass = 0; pass < 3; pass++) {
      clock += HOUR_MILLIS
      expect((await compactor().run()).failed).toStrictEqual({})
    }
  }
  const objects = () => [...store.objects.keys()].sort()
  const names = () => objects().filter((name) => name.startsWith('traces/'))
  /** Rows of each file. */
  const sizes = () =>
    Promise.all(names().map(async (name) => (await readRows((await store.read(name)) as Uint8Array)).length))
  return {
    store,
    counts,
    plan,
    apply,
    settle,
    names,
    objects,
    sizes,
    write,
    setClock: (time: number) => {
      clock = time
    },
    now,
  }
}

const HOUR_0 = 'traces/dt=2026-02-05/hr=00/'
const HOUR_1 = 'traces/dt=2026-02-05/hr=01/'
const NEWEST = 'traces/dt=2026-03-17/hr=00/'
const fileOf = (prefix: string) => `${prefix}spans_0001-0001_v1_1of1.parquet`

test('a year of hours was read one after the other, in longer than a run, or whoever asks for conservation, may take', async () => {
  const { store, write, now, plan } = await openLake()
  const span = (hour: number) =>
    testSpan({ spanId: hexId(100 + hour, 16), startTimeUnixNano: DAY + BigInt(hour) * HOUR })
  for (let hour = 0; hour < 40; hour++) await write([testBatch(`hour ${hour}`, [span(hour)], 'short')])
  const settled = Object.assign(Object.create(store), store) as typeof store
  let running = 0
  let most = 0
  settled.read = async (...asked) => {
    most = Math.max(most, ++running)
    await setImmediate()
    running--
    return store.read(...asked)
  }
  const policy = { projects: { short: 30 } }
  const { steps } = await planRetention({ store: settled, format, policy, now: now() })
  expect(most).toBe(32)
  expect(steps).toStrictEqual((await plan(policy)).steps)
  expect(steps.map(({ prefix }) => prefix)).toStrictEqual(steps.map(({ prefix }) => prefix).sort())
  most = 0
  expect(await createLakeCounter({ store: settled, format })('short')).toMatchObject({ stored: 42n })
  expect(most).toBe(32)
})

test('who asked again after a count had broken off began anew, and never came to its end', async () => {
  const { store } = await openLake()
  let reads = 0
  const failing = Object.assign(Object.create(store), store) as typeof store
  failing.read = async (...asked) => {
    if (++reads === 3) throw new SpanledgerError('lake/unavailable', 'down')
    return store.read(...asked)
  }
  const count = createLakeCounter({ store: failing, format })
  await expect(count('short')).rejects.toMatchObject({ code: 'lake/unavailable' })
  await setImmediate()
  const broken = reads
  await count('short')
  const again = reads - broken
  await createLakeCounter({ store: failing, format })('short')
  expect(again).toBeLessThan(reads - broken - again)
})

test('a file that cannot be read kept all that expired after it, and the whole lake from being compacted', async () => {
  const { store, now, objects, plan } = await openLake()
  const { steps } = await plan({ projects: { short: 30 } })
  expect(steps.map(({ prefix }) => prefix)).toStrictEqual([HOUR_0, HOUR_1])
  const compactor = createCompactor({ store, format, log, now })
  const rewrite: typeof compactor.rewrite = async (prefix, drop) => {
    if (prefix === HOUR_0)
      throw new SpanledgerError('lake/corrupt', `${prefix} cannot be read: move it out of the lake`)
    return compactor.rewrite(prefix, drop)
  }
  expect(await retain(steps, { store, compactor: { rewrite } })).toStrictEqual({
    [HOUR_0]: `lake: ${HOUR_0} cannot be read: move it out of the lake`,
  })
  expect(objects()).toContain(`compacting/${fileOf(HOUR_1)}`)
})

test('what a project keeps no longer is left out, where others keep theirs too', async () => {
  const { counts, apply, settle, names, sizes } = await openLake()
  expect(await apply({ projects: { short: 30 } })).toStrictEqual([
    ['expire', HOUR_0, 'short'],
    ['expire', HOUR_1, 'short'],
  ])
  expect(await apply({ projects: { short: 30 } })).toStrictEqual([])
  await settle()
  expect(names()).toStrictEqual([HOUR_0, HOUR_1, NEWEST].map(fileOf))
  expect(await sizes()).toStrictEqual([1, 0, 1])
  expect(await counts('short')).toMatchObject({ stored: 0n, expired: 2n })
  expect(await counts('long')).toMatchObject({ stored: 2n, expired: 0n })
  expect(await apply({ projects: { short: 30 } })).toStrictEqual([])
  expect(await apply({ days: 30, projects: { short: 30 } })).toStrictEqual([['expire', HOUR_0, 'long']])
  await settle()
  expect(await counts('long')).toMatchObject({ stored: 1n, expired: 1n })
  expect(await counts('short')).toMatchObject({ stored: 0n, expired: 2n })
})

test('an hour of which nothing is left goes altogether after a week, and stays counted', async () => {
  const { counts, apply, settle, names, objects, setClock, now } = await openLake()
  await apply({ days: 30, projects: {} })
  await settle()
  expect(await apply({ days: 30, projects: {} })).toStrictEqual([])
  setClock(now() + 7 * 24 * HOUR_MILLIS)
  expect(await apply({ days: 30, projects: {} })).toStrictEqual([
    ['delete', HOUR_0],
    ['delete', HOUR_1],
    ['delete', 'corrections/traces/dt=2026-01-01/hr=00/'],
  ])
  expect(names()).toStrictEqual([fileOf(NEWEST)])
  expect(objects().filter((name) => !name.startsWith('retired/'))).toStrictEqual([
    `facts/${NEWEST}spans_0001-0001_v1.json`,
    fileOf(NEWEST),
  ])
  expect(await counts('short')).toMatchObject({ stored: 0n, expired: 2n })
  expect(await counts('long')).toMatchObject({ stored: 1n, expired: 1n })
})

test('a message that is delivered again after it has expired stays expired', async () => {
  const { counts, apply, settle, write } = await openLake()
  await apply({ days: 30, projects: {} })
  await settle()
  await write()
  expect(await counts('short')).toMatchObject({ stored: 0n, expired: 2n })
})

test('a span in quarantine expires by when it came, with the last project of its file', async () => {
  const { counts, apply, objects, setClock, now, write } = await openLake()
  const lost = testSpan({ startTimeUnixNano: 0n })
  await write([testBatch('q1', [lost], 'short'), testBatch('q2', [lost], 'long')])
  await write([testBatch('q3', [lost], 'short')])
  const came = now()
  const quarantined = () => objects().filter((name) => name.startsWith('quarantine/'))
  expect(quarantined()).toHaveLength(2)
  await apply({ days: 30, projects: { short: 5 } })
  expect(quarantined()).toHaveLength(2)
  // Time is that of the lake, so something new has to come.
  const later = came + 6 * 24 * HOUR_MILLIS
  setClock(later)
  await write([testBatch('new', [testSpan({ startTimeUnixNano: BigInt(later - HOUR_MILLIS) * 1_000_000n })], 'long')])
  expect(await apply({ projects: { short: 5 } })).toContainEqual(['delete', 'quarantine/traces/dt=1970-01-01/hr=00/'])
  expect(quarantined()).toStrictEqual(['quarantine/traces/dt=1970-01-01/hr=00/spans_0001.parquet'])
  expect(await counts('short')).toMatchObject({ quarantined: 1n, expired: 1n })
  expect(await counts('long')).toMatchObject({ quarantined: 1n, expired: 0n })
})

test('an hour whose file cannot be read is named and left alone, and others expire', async () => {
  const { store, plan } = await openLake()
  const broken = `${HOUR_0}spans_0002.parquet`
  await store.putIfAbsent(broken, Buffer.from('PAR1 but no more'))
  const { steps, failed } = await plan({ days: 30, projects: {} })
  expect(steps.map(({ prefix }) => prefix)).toStrictEqual([HOUR_1])
  expect(failed[HOUR_0]).toContain(broken)
})

test('a wrong clock deletes nothing of the newest data', async () => {
  const { apply, setClock, settle, sizes } = await openLake()
  setClock(START + 10_000 * 24 * HOUR_MILLIS)
  // Less than a day too: the newest hour is as old as itself, whatever the clock says.
  await apply({ days: 0.01, projects: {} })
  await settle()
  expect(await sizes()).toStrictEqual([0, 0, 1])
})

test('no policy, no step; and nothing is deleted before its time', async () => {
  const { apply } = await openLake()
  expect(await apply({ projects: {} })).toStrictEqual([])
  expect(await apply({ days: 45, projects: {} })).toStrictEqual([])
})

test('counts hold wherever retention is cut short', async () => {
  const policy = { days: 30, projects: {} }
  for (let at = 0; at < 24; at++) {
    const { store, counts, apply, settle, setClock, now, names } = await openLake()
    const cutShort = async () => {
      const mortal = createMortalStore(store, { at, done: at % 2 === 0, observe: () => {} })
      await apply(policy, mortal).catch((error) => {
        if (!(error instanceof Killed)) throw error
      })
      const between = await counts('short')
      expect(between.stored + between.expired).toBe(2n)
      await apply(policy)
    }
    await cutShort()
    await settle()
    setClock(now() + 7 * 24 * HOUR_MILLIS)
    await cutShort()
    expect(names()).toHaveLength(1)
    expect(await counts('short')).toMatchObject({ stored: 0n, expired: 2n })
    expect(await counts('long')).toMatchObject({ stored: 1n, expired: 1n })
  }
})
