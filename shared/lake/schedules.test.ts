import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { SpanBatch } from '../warehouse/trace-store.ts'
import { createJsonFormat, createObservedParquet, keyOf, type ObservedFormat } from './schedules.formats.ts'
import { EXPIRING, playSchedule, type Step } from './schedules.simulation.ts'
import { DAY, HOUR, hexId, testBatch, testSpan } from './test-spans.ts'

/** How many schedules are tried: ten times as many or more before a release, by these variables. */
const SCHEDULES = Number(process.env.SPANLEDGER_TEST_SCHEDULES ?? 1_000)
const PARQUET_SCHEDULES = Number(process.env.SPANLEDGER_TEST_PARQUET_SCHEDULES ?? 5)

const kill = fc.oneof(fc.integer({ min: 0, max: 30 }), fc.constant(1_000_000))
const act = (...who: Exclude<Step['who'], 'clock' | 'sleepers'>[]): fc.Arbitrary<Step> => {
  const stalls = fc.nat(4).map((value) => value === 4)
  return fc.record({ who: fc.constantFrom(...who), take: fc.nat(255), kill, done: fc.boolean(), stalls })
}
const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: act('writer', 'compactor') },
    { weight: 1, arbitrary: act('retention') },
    { weight: 1, arbitrary: act('everyone') },
    { weight: 1, arbitrary: fc.constant({ who: 'sleepers' as const }) },
    { weight: 2, arbitrary: fc.record({ who: fc.constant('clock' as const), minutes: fc.constantFrom(1, 20, 500) }) },
  ),
  { minLength: 3, maxLength: 12 },
)

/** Two hours are over when a schedule begins, one is yet to be. */
const HOURS = [0n, HOUR, 6n * HOUR]

/** A span's start is decided by its id, and its cost by its revision, as if prices never lied. */
function spanOf(id: number, { duration = 1, revision = 0 }) {
  const startTimeUnixNano = DAY + (HOURS[id % HOURS.length] as bigint)
  return testSpan({
    ...{ traceId: hexId(id, 32), spanId: hexId(id, 16), startTimeUnixNano },
    endTimeUnixNano: startTimeUnixNano + BigInt(duration),
    ledger: { revision, costPicoUsd: BigInt(revision * 100 + id) },
  })
}

const id = fc.integer({ min: 1, max: 6 })
const distinct = { selector: (item: { readonly id: number }) => item.id, maxLength: 4 }
/** Messages of a few spans in three hours, some in two messages with different ends; and corrections, before and after their spans. */
const messages = fc
  .array(
    fc.record({
      project: fc.constantFrom('default', 'default', EXPIRING),
      spans: fc.uniqueArray(fc.record({ id, duration: fc.integer({ min: 1, max: 3 }) }), distinct),
      corrections: fc.uniqueArray(fc.record({ id, revision: fc.integer({ min: 1, max: 9 }) }), distinct),
    }),
    { minLength: 1, maxLength: 5 },
  )
  .map((list) =>
    list.map(({ project, spans, corrections }, index) => ({
      ...testBatch(
        `message-${index}`,
        spans.map((span) => spanOf(span.id, span)),
        project,
      ),
      corrections: corrections.map((correction) => spanOf(correction.id, correction)),
    })),
  )

async function expectEverythingOnce(format: ObservedFormat, batches: readonly SpanBatch[], played: readonly Step[]) {
  const { rows, counts, names } = await playSchedule(format, batches, played)
  const expected = new Map<string, string>()
  const winners = new Map<string, bigint>()
  const inOrder = batches.toSorted((a, b) => (a.context.digest < b.context.digest ? -1 : 1))
  for (const { context, spans } of inOrder.filter((batch) => batch.context.project !== EXPIRING)) {
    for (const { span } of spans) {
      const key = keyOf({ project: context.project, trace: span.traceId, span: span.spanId })
      if (span.endTimeUnixNano < (winners.get(key) ?? 0n)) continue
      winners.set(key, span.endTimeUnixNano)
      const revisions = batches
        .filter((batch) => batch.context.project === context.project)
        .flatMap(({ corrections = [] }) => corrections.filter((other) => other.span.spanId === span.spanId))
        .map(({ ledger }) => ledger.revision)
      const { ledger } = spanOf(Number.parseInt(span.spanId, 16), { revision: Math.max(0, ...revisions) })
      expected.set(key, [context.digest, ledger.costPicoUsd].join(' '))
    }
  }
  expect(rows).toHaveLength(expected.size)
  expect(new Map(rows.map((row) => [keyOf(row), [row.digest, row.cost].join(' ')]))).toStrictEqual(expected)

  const sent = (project: string) =>
    batches.reduce((sum, { context, spans }) => sum + (context.project === project ? BigInt(spans.length) : 0n), 0n)
  const kept = await counts('default')
  expect(kept).toMatchObject({ stored: BigInt(rows.length), expired: 0n })
  expect(kept.stored + kept.duplicates).toBe(sent('default'))
  const gone = await counts(EXPIRING)
  expect(gone.stored).toBe(0n)
  expect(gone.duplicates + gone.expired).toBe(sent(EXPIRING))
  for (const name of names) expect(name).toMatch(/^(traces|facts|corrections|retired)\//)
}

test.each([
  ['JSON', createJsonFormat, SCHEDULES],
  ['Parquet', createObservedParquet, PARQUET_SCHEDULES],
])(
  'no schedule of deliveries, corrections, kills, compactions and retention loses a row or shows one twice (%s)',
  async (_, createFormat, numRuns) => {
    const play = (batches: readonly SpanBatch[], played: readonly Step[]) =>
      expectEverythingOnce(createFormat(), batches, played)
    await fc.assert(fc.asyncProperty(messages, steps, play), { numRuns, endOnFailure: numRuns < 100 })
  },
  24 * 60 * 60_000,
)

test('a compactor that stood still before it showed a file leaves the staged one to those who have listed it meanwhile', async () => {
  const act = (who: 'everyone' | 'compactor' | 'retention', kill = 1_000_000): Step => {
    return { who, take: 0, kill, done: false, stalls: who === 'compactor' && kill === 4 }
  }
  const hours: Step = { who: 'clock', minutes: 500 }
  // Its fifth operation is the first after its listings.
  const played = [act('everyone'), act('compactor'), hours, act('compactor', 4), act('retention', 0), hours]
  const batch = { ...testBatch('message', [spanOf(1, {})]), corrections: [] }
  await expectEverythingOnce(createJsonFormat(), [batch], [...played, act('retention', 0)])
})
