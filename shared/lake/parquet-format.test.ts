import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { zstdDecompressSync } from 'node:zlib'
import {
  type DuckDBConnection,
  DuckDBInstance,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBTimestampNanosecondsValue,
} from '@duckdb/node-api'
import fc from 'fast-check'
import { parquetReadObjects } from 'hyparquet'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { attributeText } from '../spans/attribute-text.ts'
import type { Attributes, AttributeValue } from '../spans/attributes.ts'
import { LAKE_COLUMNS } from '../spans/columns.ts'
import { EMPTY_LEDGER } from '../spans/ledger.ts'
import { createParquetFormat } from './parquet-format.ts'
import type { SpanRow } from './span-columns.ts'
import { DAY, hexId, testSpan } from './test-spans.ts'
import { lakeKey } from './token-attributes.ts'

let duckdb: DuckDBConnection
const directory = mkdtempSync(join(tmpdir(), 'lake-format-'))
beforeAll(async () => {
  duckdb = await (await DuckDBInstance.create(':memory:')).connect()
})
afterAll(() => rmSync(directory, { recursive: true }))

const NO_FACTS = { digests: [], projects: {} }
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', '\0', 'a\0b', '🦆', '\ud800', 'x\udfff\ud800y', '\u{ffff}', 'é', '{"a":1}', 'true', 'NULL'),
)
const { value: anyValue } = fc.letrec<{ value: AttributeValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    text,
    fc.boolean(),
    int64,
    fc.double(),
    fc.constant(null),
    fc.uint8Array({ maxLength: 9 }),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.array(fc.tuple(text, tie('value')), { maxLength: 3 }).map((entries) => new Map(entries)),
  ),
}))
const key = fc.oneof(
  fc.constantFrom(
    'gen_ai.usage.input_tokens',
    'gen_ai.usage.output_tokens.as_sent',
    'gen_ai.request.model',
    '__proto',
    '',
  ),
  fc.string(),
)
const attributes: fc.Arbitrary<Attributes> = fc
  .array(fc.tuple(key, anyValue), { maxLength: 5 })
  .map((entries) => new Map(entries))
const time = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n })
const count = fc.option(fc.maxSafeNat())

const row: fc.Arbitrary<SpanRow> = fc.record({
  priced: fc.record({
    span: fc
      .record({
        traceId: fc.nat().map((id) => hexId(id, 32)),
        spanId: fc.nat().map((id) => hexId(id, 16)),
        name: text,
        statusMessage: text,
        startTimeUnixNano: time,
        endTimeUnixNano: time,
        attributes,
        flags: fc.nat(2 ** 32 - 1),
        events: fc.array(fc.record({ timeUnixNano: time, name: text, attributes, droppedAttributesCount: fc.nat(3) }), {
          maxLength: 3,
        }),
        resource: fc.record({ attributes, droppedAttributesCount: fc.nat(2), schemaUrl: text }),
      })
      .map((parts) => ({ ...testSpan().span, ...parts })),
    ledger: fc
      .record({
        inputTokens: count,
        outputTokens: count,
        costPicoUsd: fc.option(fc.bigInt({ min: 0n, max: 2n ** 63n - 1n })),
        receipt: text,
        userId: text,
      })
      .map((parts) => ({ ...EMPTY_LEDGER, ...parts })),
  }),
  context: fc.record({ project: fc.string({ minLength: 1 }), digest: fc.string(), ingestedAt: time }),
})

/** What a reader is to see of one column: maps as lists of pairs, since their order is kept. */
function expected(column: (typeof LAKE_COLUMNS)[number], { priced, context }: SpanRow): unknown {
  const pairs = (map: Attributes, rename: (key: string, text: string) => string) =>
    Array.from(map, ([name, value]) => [
      rename(name, attributeText(value)).toWellFormed(),
      attributeText(value).toWellFormed(),
    ])
  switch (column.type) {
    case 'attributes':
      return pairs(column.value(priced, context), lakeKey)
    case 'attributesList':
      return column.value(priced, context).map((map) => pairs(map, (name) => name))
    case 'strings':
      return column.value(priced, context).map((item) => item.toWellFormed())
    case 'string':
    case 'json':
      return column.value(priced, context)?.toWellFormed() ?? null
    case 'int64': {
      const value = column.value(priced, context)
      return value === null ? null : BigInt(value)
    }
    default:
      return column.value(priced, context)
  }
}

function fromDuckDb(value: unknown): unknown {
  if (value instanceof DuckDBMapValue) return value.entries.map((entry) => [entry.key, entry.value])
  if (value instanceof DuckDBListValue) return value.items.map(fromDuckDb)
  if (value instanceof DuckDBTimestampNanosecondsValue) return value.nanos
  return value
}

/** Each file under a name of its own: DuckDB may remember what it has read under one. */
let written = 0
function writeFile(file: Uint8Array): string {
  const path = join(directory, `file-${written++}.parquet`)
  writeFileSync(path, file)
  return path
}

async function readByDuckDb(file: Uint8Array): Promise<unknown[][]> {
  const path = writeFile(file)
  const names = LAKE_COLUMNS.map(({ lake }) => `"${lake}"`).join(', ')
  const reader = await duckdb.runAndReadAll(`SELECT ${names} FROM read_parquet('${path}')`)
  return reader.getRows().map((values) => values.map(fromDuckDb))
}

async function readByHyparquet(file: Uint8Array): Promise<Record<string, unknown>[]> {
  return parquetReadObjects({
    file: Uint8Array.from(file).buffer,
    utf8: true,
    compressors: { ZSTD: (bytes) => new Uint8Array(zstdDecompressSync(bytes)) },
    parsers: { timestampFromNanoseconds: (nanos: bigint) => nanos },
  })
}

const KEY = ['ProjectId', 'TraceId', 'SpanId'].map((name) => LAKE_COLUMNS.findIndex(({ lake }) => lake === name))
const rowKey = (values: unknown[]) => KEY.map((index) => values[index]).join(' ')

/** hyparquet gives maps as objects, which cannot have every key. */
function asObjects(column: (typeof LAKE_COLUMNS)[number], value: unknown): unknown {
  const object = (pairs: [string, string][]) => Object.fromEntries(pairs.filter(([name]) => name !== '__proto__'))
  if (column.type === 'attributes') return object(value as [string, string][])
  if (column.type === 'attributesList') return (value as [string, string][][]).map(object)
  return value
}

/** Keys that are one once they are UTF-8 make a map with two equal keys, of which readers show one or both. */
function hasDistinctKeys({ priced: { span } }: SpanRow): boolean {
  const maps = [span.attributes, span.resource.attributes, ...span.events.map((event) => event.attributes)]
  return maps.every((map) => new Set([...map.keys()].map((name) => name.toWellFormed())).size === map.size)
}

describe.each(['zstd', 'snappy'] as const)('%s', (codec) => {
  const format = createParquetFormat({ codec })

  test('every row is read back as it was written, by DuckDB and by hyparquet', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(row.filter(hasDistinctKeys), { minLength: 1, maxLength: 12 }), async (rows) => {
        const file = format.encode(rows, NO_FACTS)
        const wanted = rows.map((item) => LAKE_COLUMNS.map((column) => expected(column, item)))
        expect(await readByDuckDb(file)).toStrictEqual(wanted)
        expect(await readByHyparquet(file)).toStrictEqual(
          wanted.map((values) =>
            Object.fromEntries(LAKE_COLUMNS.map((column, index) => [column.lake, asObjects(column, values[index])])),
          ),
        )
      }),
      { numRuns: 60, endOnFailure: true },
    )
  })
})

const format = createParquetFormat()
const context = { project: 'default', digest: 'd', ingestedAt: DAY }

test('row groups, pages, dictionaries and a prompt of 7 MB hold together', async () => {
  const prompt = 'p🦆'.repeat(1_400_000)
  const rows = Array.from({ length: 26_000 }, (_, index): SpanRow => {
    const attributes = {
      constant: 'c',
      few: `f${index % 7}`,
      unique: `${index}-`.repeat(1 + (index % 30)),
      count: BigInt(index),
    }
    return {
      priced: testSpan({
        traceId: hexId(index >> 3, 32),
        spanId: hexId(index, 16),
        attributes: index === 20_000 ? { ...attributes, prompt } : index % 1000 === 0 ? {} : attributes,
        ledger: { inputTokens: index % 3 === 0 ? null : index, outputTokens: 5 },
      }),
      context,
    }
  })
  const file = format.encode(rows, NO_FACTS)
  const wanted = rows.map((item) => LAKE_COLUMNS.map((column) => expected(column, item)))
  expect(isDeepStrictEqual(await readByDuckDb(file), wanted)).toBe(true)
  const read = await readByHyparquet(file)
  const attributesAt = LAKE_COLUMNS.findIndex(({ lake }) => lake === 'SpanAttributes')
  expect(read.map((item) => Object.entries(item.SpanAttributes as object))).toStrictEqual(
    wanted.map((values) => values[attributesAt]),
  )
})

test('no filter on any column loses a row to the statistics', async () => {
  // In UTF-16 U+FFFF comes after the surrogates of a duck, in UTF-8 before: whoever compares the one way and prunes the other loses.
  const names = ['a', '\u{ffff}', '🦆', '', 'z'.repeat(500), 'é']
  const rows = names.map(
    (name, index): SpanRow => ({
      priced: testSpan({
        name,
        spanId: hexId(index, 16),
        startTimeUnixNano: DAY + BigInt(index),
        attributes: { [`k${name}`]: name },
        ledger: { inputTokens: index * 1000, costPicoUsd: BigInt(index) * 2n ** 50n },
      }),
      context,
    }),
  )
  for (const item of rows) {
    // A file of one row: bounds that do not hold would prune all of it.
    const path = writeFile(format.encode([item], NO_FACTS))
    for (const column of LAKE_COLUMNS) {
      const value = expected(column, item)
      if (value === null || Array.isArray(value)) continue
      const parameter =
        column.type === 'timestamp'
          ? `make_timestamp_ns(${value})`
          : typeof value === 'string'
            ? `'${value}'`
            : `${value}`
      for (const operator of ['=', '<=', '>=']) {
        const reader = await duckdb.runAndReadAll(
          `SELECT count(*) FROM read_parquet('${path}') WHERE "${column.lake}" ${operator} ${parameter}`,
        )
        expect([column.lake, operator, reader.getRows()[0]?.[0]]).toStrictEqual([column.lake, operator, 1n])
      }
    }
  }
  const path = writeFile(format.encode(rows.slice(0, 3), NO_FACTS))
  const statistics = await duckdb.runAndReadAll(
    `SELECT stats_min_value, stats_max_value FROM parquet_metadata('${path}') WHERE path_in_schema = 'SpanName'`,
  )
  expect(statistics.getRows()).toStrictEqual([['a', '🦆']])
})

test('every column has statistics: bounds, unless a value is long, and the number of nulls', async () => {
  const path = writeFile(format.encode([{ priced: testSpan(), context }], NO_FACTS))
  const reader = await duckdb.runAndReadAll(
    `SELECT path_in_schema FROM parquet_metadata('${path}')
     WHERE stats_null_count IS NULL OR (stats_null_count < num_values AND stats_min_value IS NULL)`,
  )
  expect(reader.getRows()).toStrictEqual([])
})

test('merging changes nothing of a row', async () => {
  const memory = 128 * 1024 * 1024
  const merging = createParquetFormat({ memory })
  const merger = merging.openMerger()
  const group = fc.uniqueArray(row.filter(hasDistinctKeys), {
    minLength: 1,
    maxLength: 10,
    selector: ({ priced: { span }, context }) => `${context.project} ${span.traceId} ${span.spanId}`,
  })
  await fc.assert(
    fc.asyncProperty(group, async (rows) => {
      const half = rows.length >> 1
      const inputs = [rows.slice(0, half), rows.slice(half)].map((part, index) => ({
        name: `input ${index}`,
        read: async () => merging.encode(part, NO_FACTS),
      }))
      const merged = await merger.merge(inputs, { drop: new Set(), corrections: [] })
      const file = await merged.parts[0]?.()
      await merged.close()
      const wanted = rows.map((item) => LAKE_COLUMNS.map((column) => expected(column, item)))
      const sorted = (read: unknown[][]) => read.toSorted((a, b) => (rowKey(a) < rowKey(b) ? -1 : 1))
      expect(sorted(await readByDuckDb(file as Uint8Array))).toStrictEqual(sorted(wanted))
      const objects = wanted.map((values) =>
        Object.fromEntries(LAKE_COLUMNS.map((column, index) => [column.lake, asObjects(column, values[index])])),
      )
      const ordered = (read: Record<string, unknown>[]) =>
        read.toSorted((a, b) =>
          rowKey(LAKE_COLUMNS.map(({ lake }) => a[lake])) < rowKey(LAKE_COLUMNS.map(({ lake }) => b[lake])) ? -1 : 1,
        )
      expect(ordered(await readByHyparquet(file as Uint8Array))).toStrictEqual(ordered(objects))
    }),
    { numRuns: 25, endOnFailure: true },
  )
  await merger.close()
})

test('a merged file has the columns of a fresh one: order, types and modes; and statistics of each', async () => {
  const merger = format.openMerger()
  const fresh = format.encode([{ priced: testSpan({ attributes: { a: 1n } }), context }], NO_FACTS)
  const merged = await merger.merge([{ name: 'fresh', read: async () => fresh }], { drop: new Set(), corrections: [] })
  const file = (await merged.parts[0]?.()) as Uint8Array
  await merger.close()
  const path = writeFile(file)
  const schema = async (of: string) =>
    (
      await duckdb.runAndReadAll(
        `SELECT name, type, repetition_type, num_children, duckdb_type FROM parquet_schema('${of}') OFFSET 1`,
      )
    ).getRows()
  expect(await schema(path)).toStrictEqual(await schema(writeFile(fresh)))
  const without = await duckdb.runAndReadAll(
    `SELECT path_in_schema FROM parquet_metadata('${path}')
     WHERE stats_null_count IS NULL OR (stats_null_count < num_values AND stats_min_value IS NULL)`,
  )
  expect(without.getRows()).toStrictEqual([])
})

test('a merged file is the same whether its rows were compressed in between or not', async () => {
  const rows = Array.from({ length: 200 }, (_, id): SpanRow => {
    const attributes = { prompt: `${id} ${'all work and no play '.repeat(id)}` }
    return { priced: testSpan({ traceId: hexId(id, 32), spanId: hexId(id, 16), attributes }), context }
  })
  const merge = async (plainBytes: number) => {
    const merging = createParquetFormat({ plainBytes })
    const merger = merging.openMerger()
    const file = merging.encode(rows, NO_FACTS)
    const input = { name: 'input', read: async () => file }
    const merged = await merger.merge([input], { drop: new Set(), corrections: [] })
    const parts = await Promise.all(merged.parts.map((read) => read()))
    await merger.close()
    return parts
  }
  const plain = await merge(Number.POSITIVE_INFINITY)
  expect(await merge(0)).toStrictEqual(plain)
  expect(await readByDuckDb(plain[0] as Uint8Array)).toHaveLength(200)
})

test('an hour that memory does not suffice to sort at once is sorted in ranges', async () => {
  const merging = createParquetFormat({ memory: 100 * 1024 * 1024 })
  const merger = merging.openMerger()
  const prompt = 'all work and no play '.repeat(200_000)
  const inputs = Array.from({ length: 20 }, (_, number) => {
    const rows = [0, 1].map((index): SpanRow => {
      const id = number * 2 + index
      const traceId = ((id * 40_503) % 65_536).toString(16).padStart(4, '0') + hexId(id, 32).slice(4)
      return {
        priced: testSpan({ traceId, spanId: hexId(id, 16), attributes: { prompt: `${id} ${prompt}` } }),
        context,
      }
    })
    const file = merging.encode(rows, NO_FACTS)
    return { name: `input ${number}`, read: async () => file }
  })
  const merged = await merger.merge(inputs, { drop: new Set(), corrections: [] })
  const traces: unknown[] = []
  for (const read of merged.parts) for (const [traceId] of await readByDuckDb(await read())) traces.push(traceId)
  await merger.close()
  expect(merged.rows).toStrictEqual(new Map([['default', 40]]))
  expect(new Set(traces).size).toBe(40)
  expect(traces).toStrictEqual(traces.toSorted())
})
