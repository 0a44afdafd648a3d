import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createLog } from '../log.ts'
import type { SpanBatch } from '../warehouse/trace-store.ts'
import { createCompactor } from './compactor.ts'
import { createLakeCounter } from './counts.ts'
import { type FileFacts, type LakeFormat, parseFacts } from './format.ts'
import type { ObjectStore } from './object-store.ts'
import { readableFiles } from './readable-files.ts'
import { DAY, HOUR, hexId, testBatch, testSpan } from './test-spans.ts'
import { createMemoryStore, createMortalStore, Killed, type MemoryStore } from './test-store.ts'
import { createLakeWriter } from './writer.ts'

// Files as JSON and a merge of a few lines: what is tried here is the protocol, tens of thousands of times. That Parquet files
// keep what is put into them is tested elsewhere.

interface Row {
  readonly trace: string
  readonly span: string
  readonly end: string
  readonly digest: string
  readonly project: string
}

const PART_ROWS = 2
const files = new WeakMap<Uint8Array, Row[]>()

function rowsOf(data: Uint8Array): Row[] {
  const known = files.get(data)
  if (known !== undefined) return known
  const { rows } = JSON.parse(Buffer.from(data).toString()) as { rows: Row[] }
  files.set(data, rows)
  return rows
}

const format: LakeFormat = {
  encode: (rows, facts) =>
    Buffer.from(
      JSON.stringify({
        rows: rows.map(({ priced: { span }, context }) => ({
          trace: span.traceId,
          span: span.spanId,
          end: String(span.endTimeUnixNano),
          digest: context.digest,
          project: context.project,
        })),
        facts,
      }),
    ),
  async readFacts(store, file): Promise<FileFacts> {
    const { facts } = JSON.parse(Buffer.from(await store.read(file.name)).toString())
    return parseFacts(JSON.stringify(facts), file.name)
  },
  async merge(inputs, { drop }) {
    const winners = new Map<string, Row>()
    for (const input of inputs) {
      for (const row of rowsOf(await input.read())) {
        const key = `${row.project} ${row.trace} ${row.span}`
        const other = winners.get(key)
        if (drop.has(row.project) || (other && !beats(row, other))) continue
        winners.set(key, row)
      }
    }
    const rows = [...winners.values()]
    const parts = Array.from(
      { length: Math.ceil(rows.length / PART_ROWS) },
      (_, part) => async () =>
        Buffer.from(JSON.stringify({ rows: rows.slice(part * PART_ROWS, (part + 1) * PART_ROWS) })),
    )
    const counts = Map.groupBy(rows, ({ project }) => project)
    return {
      parts,
      rows: new Map(Array.from(counts, ([project, group]) => [project, group.length])),
      close: async () => {},
    }
  },
}

function beats(a: Row, b: Row): boolean {
  return a.end === b.end ? a.digest > b.digest : BigInt(a.end) > BigInt(b.end)
}

const log = createLog('lake', 'silent')
const MINUTE = 60_000
const GRACE = 15 * MINUTE
const START = Number((DAY + 3n * HOUR) / 1_000_000n)

type Step =
  | { readonly who: 'writer'; readonly take: number; readonly kill: number; readonly done: boolean }
  | { readonly who: 'compactor'; readonly take: 0; readonly kill: number; readonly done: boolean }
  | { readonly who: 'everyone'; readonly take: number; readonly kill: number; readonly done: boolean }
  | { readonly who: 'clock'; readonly minutes: number }

const kill = fc.oneof(fc.integer({ min: 0, max: 30 }), fc.constant(1_000_000))
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ who: fc.constant('writer' as const), take: fc.nat(255), kill, done: fc.boolean() }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      who: fc.constant('compactor' as const),
      take: fc.constant(0 as const),
      kill,
      done: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ who: fc.constant('everyone' as const), take: fc.nat(255), kill, done: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ who: fc.constant('clock' as const), minutes: fc.constantFrom(1, 20, 500) }) },
)

/** Messages of a few spans in two hours; some spans come in two messages, with different ends. */
const messages = fc
  .array(
    fc.array(fc.record({ id: fc.integer({ min: 1, max: 8 }), end: fc.integer({ min: 1, max: 3 }) }), {
      minLength: 1,
      maxLength: 4,
    }),
    {
      minLength: 1,
      maxLength: 5,
    },
  )
  .map((list) =>
    list.map((spans, index) => {
      const distinct = [...new Map(spans.map((span) => [span.id, span])).values()]
      return testBatch(
        `message-${index}`,
        distinct.map(({ id, end }) => {
          const start = DAY + (id % 2 === 0 ? HOUR : 0n)
          return testSpan({
            traceId: hexId(id, 32),
            spanId: hexId(id, 16),
            startTimeUnixNano: start,
            endTimeUnixNano: start + BigInt(end),
          })
        }),
      )
    }),
  )

/** The files that our reader would read now. */
function readable(store: MemoryStore): string[] {
  const objects = Array.from(store.objects, ([name, { data, updatedAt }]) => ({ name, size: data.length, updatedAt }))
  const below = (prefix: string) => objects.filter(({ name }) => name.startsWith(prefix))
  return readableFiles(below('traces/'), below('compacting/')).map(({ name }) => name)
}

/** Files hold no row twice and, of each message that was acknowledged, every span. */
function checkFiles(store: MemoryStore, names: readonly string[], acknowledged: Iterable<SpanBatch>): void {
  const seen = new Set<string>()
  const spans = new Set<string>()
  for (const name of names) {
    const object = store.objects.get(name)
    if (object === undefined) throw new Error(`${name} was deleted under a reader`)
    for (const row of rowsOf(object.data)) {
      const key = `${row.digest} ${row.span}`
      if (seen.has(key)) throw new Error(`${key} is there twice`)
      seen.add(key)
      spans.add(row.span)
    }
  }
  for (const batch of acknowledged) {
    for (const { span } of batch.spans) if (!spans.has(span.spanId)) throw new Error(`${span.spanId} is lost`)
  }
}

function plainRows(store: MemoryStore): Row[] {
  return Array.from(store.objects)
    .filter(([name]) => name.startsWith('traces/'))
    .flatMap(([, { data }]) => rowsOf(data))
}

async function play(batches: readonly SpanBatch[], steps: readonly Step[]): Promise<void> {
  let clock = START
  const now = () => clock
  const store = createMemoryStore(now)
  const acknowledged = new Set<SpanBatch>()
  let slow: { readonly names: string[]; readonly acknowledged: SpanBatch[]; readonly since: number }[] = []
  const observe = () => {
    checkFiles(store, readable(store), acknowledged)
    for (const reader of slow) checkFiles(store, reader.names, reader.acknowledged)
  }
  const write = async (taken: readonly SpanBatch[], mortal: ObjectStore) => {
    const failures = await createLakeWriter({ store: mortal, format, now, log }).write(taken)
    for (const [index, batch] of taken.entries()) if (failures[index] === undefined) acknowledged.add(batch)
    const killed = failures.find((failure) => failure !== undefined)
    if (killed !== undefined && !(killed instanceof Killed)) throw killed
  }
  const compact = (mortal: ObjectStore) =>
    createCompactor({ store: mortal, format, now, log }).run().catch(ignoreKilled)

  for (const step of steps) {
    if (step.who === 'clock') {
      clock += step.minutes * MINUTE
      slow = slow.filter(({ since }) => clock - since < GRACE)
      continue
    }
    slow.push({ names: readable(store), acknowledged: [...acknowledged], since: clock })
    // Acknowledged messages are taken as well: the bus may deliver anything again.
    const taken = batches.filter((_, index) => (step.take >> index) % 2 === 1)
    const mortal = () => createMortalStore(store, { at: step.kill, done: step.done, observe })
    if (step.who === 'writer') await write(taken, mortal())
    else if (step.who === 'compactor') await compact(mortal())
    else await Promise.all([write(taken, mortal()), compact(mortal()), write(batches, mortal()), compact(store)])
    observe()
  }

  slow = []
  await write(batches, store)
  for (let pass = 0; pass < 4; pass++) {
    clock += 7 * 60 * MINUTE
    const report = await createCompactor({ store, format, now, log }).run()
    expect(report.failed).toStrictEqual({})
    observe()
  }
  const expected = new Map<string, string>()
  for (const { context, spans } of batches.toSorted((a, b) => (a.context.digest < b.context.digest ? -1 : 1))) {
    for (const { span } of spans) {
      const before = expected.get(span.spanId)?.split(' ')[0] ?? '0'
      if (span.endTimeUnixNano >= BigInt(before)) expected.set(span.spanId, `${span.endTimeUnixNano} ${context.digest}`)
    }
  }
  const rows = plainRows(store)
  expect(rows).toHaveLength(expected.size)
  expect(new Map(rows.map((row) => [row.span, `${row.end} ${row.digest}`]))).toStrictEqual(expected)
  const counts = await createLakeCounter({ store, format })('default')
  expect(counts.stored).toBe(BigInt(rows.length))
  expect(counts.stored + counts.duplicates).toBe(BigInt(batches.reduce((sum, { spans }) => sum + spans.length, 0)))
  for (const name of store.objects.keys()) expect(name).toMatch(/^(traces|facts)\//)
}

function ignoreKilled(error: unknown): void {
  if (!(error instanceof Killed)) throw error
}

test('no schedule of deliveries, kills and compactions loses a row or shows one twice', async () => {
  await fc.assert(fc.asyncProperty(messages, fc.array(step, { minLength: 3, maxLength: 12 }), play), {
    numRuns: Number(process.env.SPANLEDGER_TEST_SCHEDULES ?? 10_000),
  })
}, 300_000)
