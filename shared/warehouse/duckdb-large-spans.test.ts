import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { EMPTY_LEDGER, type PricedSpan } from '../spans/ledger.ts'
import { spanBytes } from '../spans/size.ts'
import { trimSpan } from './duckdb/trimmed-span.ts'
import { openDuckDbStore } from './duckdb-store.ts'
import { pricedSpan, sizedSpan } from './trace-store.arbitraries.ts'
import type { Cursor, SpanBatch, StoredSpan } from './trace-store.ts'

let directory: string
let path: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'spanledger-large-'))
  path = join(directory, 'warehouse.duckdb')
})
afterEach(() => rm(directory, { recursive: true }))

const [sample] = fc.sample(pricedSpan, { numRuns: 1, seed: 7 }) as [PricedSpan]

/** Ten to a trace; the prompt is text that does not compress well. */
function largeSpan(index: number, promptBytes: number, traces: string): PricedSpan {
  const prompt = randomBytes((promptBytes * 3) / 4).toString('base64')
  const ids = {
    traceId: Math.floor(index / 10)
      .toString(16)
      .padStart(32, traces),
    spanId: (index + 1).toString(16).padStart(16, '0'),
  }
  const times = { startTimeUnixNano: BigInt(index), endTimeUnixNano: BigInt(index + 1) }
  return { ...sample, span: { ...sample.span, ...ids, ...times, attributes: new Map([['prompt', prompt]]) } }
}

function batch(digest: string, spans: readonly PricedSpan[]): SpanBatch {
  return { context: { project: 'p', digest, ingestedAt: 1n }, spans }
}

test('600 spans with prompts of 100 KB and 40 of 2 MB are written, and read back page by page and by trace', async () => {
  const small = Array.from({ length: 600 }, (_, index) => largeSpan(index, 100_000, 'a'))
  const huge = Array.from({ length: 40 }, (_, index) => largeSpan(600 + index, 2_000_000, 'b'))
  const spans = [...small, ...huge]
  const store = await openDuckDbStore({ path, memoryLimit: '128MB', checkpointBytes: 16 * 1024 * 1024 })
  for (let from = 0; from < spans.length; from += 100) {
    await store.write([batch(`batch ${from}`, spans.slice(from, from + 100))])
  }
  const found: StoredSpan[] = []
  let after: Cursor | null = null
  do {
    const query = { filter: { project: 'p' }, sort: 'startTime', order: 'asc', pageSize: 100 } as const
    const page: { items: readonly StoredSpan[]; next: Cursor | null } = await store.listSpans({
      ...query,
      ...(after !== null && { after }),
    })
    found.push(...page.items)
    after = page.next
  } while (after !== null)
  expect(found.length).toBe(spans.length)
  // Compared one by one: a difference of all of them at once is too long to print.
  for (const [index, { span }] of found.entries()) expect(span).toStrictEqual(spans[index]?.span)
  for (const index of [0, 300, 600]) {
    const { traceId } = (spans[index] as PricedSpan).span
    const trace = await store.getTrace('p', traceId, { limit: 10 })
    expect(trace.spans.map(({ span }) => span)).toStrictEqual(spans.slice(index, index + 10).map(({ span }) => span))
  }
  const list = { filter: { project: 'p' }, sort: 'cost', order: 'desc', pageSize: 50 } as const
  expect((await store.listTraces(list)).items.length).toBe(50)
  await store.close()
  const again = await openDuckDbStore({ path, memoryLimit: '128MB' })
  expect(await again.counts('p')).toStrictEqual({ stored: 640n, duplicates: 0n })
  await again.close()
})

test('whoever looks with SQL sees every key and the beginnings, and no parts of versions that hold no more', async () => {
  const span = largeSpan(1, 100_000, 'a')
  const attributes = new Map([...span.span.attributes, ['answer', 'ü'.repeat(30_000)], ['model', 'gpt-4o']])
  const first = { ...span, span: { ...span.span, attributes } }
  const second = { ...first, span: { ...first.span, endTimeUnixNano: 9n, statusMessage: 'x'.repeat(50_000) } }
  const third = { ...first, span: { ...first.span, endTimeUnixNano: 10n, attributes: new Map([['short', 1n]]) } }
  const store = await openDuckDbStore({ path })
  await store.write([batch('a', [first])])
  await store.write([batch('b', [second])])
  const filter = { project: 'p', attributes: [{ key: 'model', value: 'gpt-4o' }] }
  const query = { filter, sort: 'startTime', order: 'asc', pageSize: 10 } as const
  expect((await store.listSpans(query)).items.map(({ span: stored }) => stored)).toStrictEqual([second.span])
  await store.close()
  const seen = await rows(`SELECT span_bytes, list_transform(attributes, a -> a.key) AS keys,
      list_transform(attributes, a -> left(a.value, 3)) AS starts, length(status_message) AS message,
      (SELECT count(DISTINCT digest) FROM large_spans) AS versions FROM spans`)
  expect(seen).toStrictEqual([
    [
      String(spanBytes(second.span)),
      ['prompt', 'answer', 'model'],
      [(attributes.get('prompt') as string).slice(0, 3), 'üüü', 'gpt'],
      '4096',
      '1',
    ],
  ])
  const again = await openDuckDbStore({ path })
  await again.write([batch('c', [third])])
  expect((await again.getTrace('p', third.span.traceId, { limit: 1 })).spans[0]?.span).toStrictEqual(third.span)
  await again.close()
  expect(await rows('SELECT count(*) FROM large_spans')).toStrictEqual([['0']])
})

test('a file from before there were large spans keeps those that it has', async () => {
  const old = largeSpan(1, 100_000, 'a')
  const store = await openDuckDbStore({ path })
  await store.write([batch('a', [{ span: { ...old.span, attributes: new Map() }, ledger: EMPTY_LEDGER }])])
  await store.close()
  const prompt = old.span.attributes.get('prompt') as string
  await rows(
    `UPDATE spans SET attributes = [{ key: 'prompt', value: '${prompt}' }], attribute_kinds = 's', span_bytes = 99999`,
  )
  await rows('DROP TABLE large_spans')
  await rows('ALTER TABLE spans DROP COLUMN large_parts')
  const again = await openDuckDbStore({ path })
  const ledger = { ...EMPTY_LEDGER, revision: 1, userId: 'corrected' }
  const read = async () => (await again.getTrace('p', old.span.traceId, { limit: 1 })).spans[0]
  expect(await read()).toMatchObject({ span: old.span, ledger: EMPTY_LEDGER })
  await again.write([{ ...batch('b', []), corrections: [{ span: old.span, ledger }] }])
  expect(await read()).toMatchObject({ span: old.span, ledger })
  await again.close()
})

test('what a row keeps of a span is bounded, whatever the span holds', () => {
  fc.assert(
    fc.property(sizedSpan, ({ span }) => {
      const trimmed = trimSpan(span)
      expect(spanBytes(trimmed)).toBeLessThan(20_000)
      expect(JSON.stringify([trimmed.name, ...trimmed.attributes.keys()])).not.toContain('�')
    }),
    { numRuns: 200 },
  )
})

/** What `statement` gives, as JSON, on a connection of its own. */
async function rows(statement: string): Promise<unknown[][]> {
  const instance = await DuckDBInstance.create(path)
  const connection = await instance.connect()
  try {
    await connection.run('DROP VIEW IF EXISTS model_costs')
    await connection.run('DROP VIEW IF EXISTS daily_costs')
    await connection.run('DROP VIEW IF EXISTS spans_unique')
    return (await connection.runAndReadAll(statement)).getRowsJson()
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}
