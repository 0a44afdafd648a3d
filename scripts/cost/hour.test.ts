import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { FUNCTION_NAMES } from '../../shared/platform/functions.ts'
import { ASSUMPTIONS, SCHEDULE, SIZING } from './assumptions.ts'
import { billedBytes } from './counted-bus.ts'
import { logicalBytes } from './counted-warehouse.ts'
import { measureHour } from './hour.ts'
import { createMeter } from './meter.ts'

/** No CPU time, so that what is billed for time is what was waited for. */
const cpuMs = () => 0
const traffic = { spansPerRequest: 8, llmShare: 0.5, bytesPerSpan: 0, hoursKept: 0, cpuMs }

test('an hour of two small exports without a budget, counted by hand', async () => {
  const { messages, scheduled, idle } = await measureHour({ ...traffic, requests: 2, budgets: 0 })
  expect(messages).toMatchObject({
    // Each export is one request to ingest, price, budget and warehouse.
    'run.requests': 8,
    // 0.2 s for ingest (a key read and two publishes: 105 ms), 0.1 s each for price (90 ms) and budget, 0.3 s for an insert and a publish.
    'run.vcpuSeconds': expect.closeTo(2 * (0.2 + 0.1 + 0.1 + 0.3 * 0.333), 9),
    'run.gibSeconds': expect.closeTo(2 * (0.2 + 0.1 + 0.05 + 0.15), 9),
    'logging.bytes': 8 * ASSUMPTIONS.requestLogBytes,
    // 1 key and the project's prices (cached for 30 s), what is known of its traces, the project, the alerts that are due, the claim that is
    // not there; and its budgets once.
    'firestore.reads': 2 * (2 + 1 + 1 + 1 + 1) + 1,
    // What is to be known of its traces, the claim, and the count of spans.
    'firestore.writes': 2 * (1 + 1 + 1),
    'firestore.deletes': 2 * 2,
  })
  // Twelve runs of the lake's writer, one pass of the compactor and six runs of the books, whatever there is to do.
  expect(scheduled['run.requests']).toBe(19)
  expect(idle['run.requests']).toBe(19)
  // What was taken and what was stored of the two exports, one row each.
  expect(scheduled['bigquery.streamedBytes']).toBe(4 * 1024)
  // An idle hour: two empty pulls a run and subscription, 1,000 bytes each, and a pass that lists the last days and what is staged; one a day lists
  // all there is, with corrections and facts.
  expect(idle['pubsub.bytes']).toBe((12 * 2 + 6 * 2 * 2) * 1000)
  expect(idle).toMatchObject({ 'storage.classA': expect.closeTo(2 + 2 / 24, 9) })
  expect(idle['storage.classB'] ?? 0).toBe(0)
})

test('an export is remembered as one document, whether or not it cuts a trace', async () => {
  const whole = await measureHour({ ...traffic, spansPerRequest: 16, requests: 2, budgets: 0 })
  const cut = await measureHour({ ...traffic, spansPerRequest: 12, requests: 2, budgets: 0 })
  const of = (counter: 'firestore.writes' | 'firestore.deletes') => cut.messages[counter]! - whole.messages[counter]!
  expect(of('firestore.writes')).toBe(0)
  expect(of('firestore.deletes')).toBe(0)
})

test('a budget adds a search and a read to each export', async () => {
  const none = await measureHour({ ...traffic, requests: 1, budgets: 0 })
  const one = await measureHour({ ...traffic, requests: 1, budgets: 1 })
  const added = (counter: 'firestore.reads' | 'firestore.writes') => one.messages[counter]! - none.messages[counter]!
  // The 4 calls are searched among other claims; the budget is read, and written where the count of spans was; the budgets
  // are read once by an instance that does not know them. The histories of models are read and written once a minute.
  const models = added('firestore.writes')
  expect(models).toBeGreaterThanOrEqual(1)
  expect(models).toBeLessThanOrEqual(4)
  expect(added('firestore.reads')).toBe(3 + models)
})

test('what is counted of exports grows with their number, and nothing is negative', async () => {
  const hours = await Promise.all([1, 2, 4].map((requests) => measureHour({ ...traffic, requests, budgets: 0 })))
  const reads = hours.map(({ messages }) => messages['firestore.reads']!)
  expect(reads[2]! - reads[1]!).toBe(2 * (reads[1]! - reads[0]!))
  for (const counter of ['run.requests', 'run.vcpuSeconds', 'firestore.writes'] as const)
    expect(hours.map(({ messages }) => messages[counter]! / hours[0]!.messages[counter]!)).toEqual([
      1,
      expect.closeTo(2, 9),
      expect.closeTo(4, 9),
    ])
  for (const { messages, scheduled, idle } of hours)
    for (const amount of [messages, scheduled, idle].flatMap((counts) => Object.values(counts)))
      expect(amount).toBeGreaterThanOrEqual(0)
  // Files of four exports in four runs are merged into one; what they held is deleted and billed for a week.
  expect(hours[2]!.scheduled['storage.bytes']).toBeGreaterThan(0)
  expect(hours[2]!.scheduled['storage.deletedBytes']).toBeGreaterThan(hours[2]!.scheduled['storage.bytes']!)
})

test('prompt text makes spans as large as they are said to be', async () => {
  const { spanBytes, sentBytes, messages } = await measureHour({
    ...{ ...traffic, spansPerRequest: 64, bytesPerSpan: 2000 },
    ...{ requests: 1, budgets: 0 },
  })
  expect(spanBytes / 64).toBeGreaterThan(1950)
  expect(spanBytes / 64).toBeLessThan(2100)
  expect(sentBytes).toBeLessThan(spanBytes / 2)
  expect(messages['bigquery.bytes']!).toBeGreaterThan(64 * 2000)
  expect(messages['bigquery.streamedBytes']!).toBeGreaterThanOrEqual(messages['bigquery.bytes']!)
})

test('what Pub/Sub and BigQuery count, by hand', () => {
  const message = { data: new Uint8Array(100), attributes: { project: 'p', größe: 'ä' } }
  expect(billedBytes(message)).toBe(100 + (7 + 1) + (7 + 2) + 20 + 17)
  const row = {
    name: 'chät',
    duration_ns: '12',
    gen_ai_cost_usd: 0.5,
    receipt: null,
    attributes: [{ key: 'a', value: '' }],
  }
  expect(logicalBytes(row)).toBe(2 + 5 + 8 + 8 + 0 + (2 + 1 + 2))
})

test('calls made at once are waited for together, one after the other add up', async () => {
  const meter = createMeter()
  await Promise.all([meter.call(10), meter.call(30)])
  expect(meter.waitedMs()).toBe(30)
  await meter.call(5)
  expect(meter.waitedMs()).toBe(35)
})

test('functions are sized and scheduled as they are deployed', () => {
  const read = (name: string) => readFileSync(join(import.meta.dirname, '../../infra', name), 'utf8')
  const functions = read('functions.ts')
  for (const name of FUNCTION_NAMES) {
    const [, memory, unit, cpu] =
      new RegExp(`${name}: { memory: '(\\d+)(Mi|Gi)', cpu: '([\\d.]+)'`).exec(functions) ?? []
    expect({ cpu: Number(cpu), gib: unit === 'Gi' ? Number(memory) : Number(memory) / 1024 }, name).toEqual(
      SIZING[name],
    )
  }
  const schedule = read('schedule.ts')
  expect(schedule).toContain(`schedule: '*/${SCHEDULE.writeEveryMinutes} * * * *', path: '/write'`)
  expect(schedule).toContain(`calls: 'books', schedule: '*/${SCHEDULE.booksEveryMinutes} * * * *'`)
  expect(schedule).toContain(`schedule: '${SCHEDULE.compactAtMinute} * * * *', path: '/compact'`)
})
