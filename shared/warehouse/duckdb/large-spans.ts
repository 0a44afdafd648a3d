import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { BIGINT, type DuckDBBlobValue, type DuckDBConnection, LIST, listValue, VARCHAR } from '@duckdb/node-api'
import { decodeSpans } from '../../otlp/batch.ts'
import { encodeTraces } from '../../otlp/encode.ts'
import type { Span } from '../../spans/span.ts'
import type { Sql } from '../sql/statement.ts'
import { readSpan } from '../sql/stored-span.ts'
import type { StoredSpan } from '../trace-store.ts'
import { duckDbDialect } from './dialect.ts'
import { runQuery } from './query.ts'
import type { SpanRow } from './span-appender.ts'
import { keyToInt64 } from './span-key.ts'
import { LARGE_SPAN_BYTES, trimSpan } from './trimmed-span.ts'
import type { StoredVersion } from './write-plan.ts'

/** Bytes of a part: 2,048 parts, which DuckDB reads at once, are 32 MiB. */
const PART_BYTES = 16 * 1024
/** How often rows are read whose parts a write has replaced meanwhile. */
const ATTEMPTS = 5
const FASTEST = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }

type Row = Readonly<Record<string, unknown>>

/**
 * Puts the large spans among `rows` into `large_spans`, in the transaction that `connection` is in; returns the rows with what
 * is left for the table `spans`.
 */
export async function storeLargeSpans(
  connection: DuckDBConnection,
  rows: readonly SpanRow[],
): Promise<readonly SpanRow[]> {
  if (!rows.some(isToMove)) return rows
  const appender = await connection.createAppender('large_spans')
  try {
    const left = rows.map((row) => {
      if (!isToMove(row)) return row
      const { priced, context, key } = row
      const data = zstdCompressSync(encodeTraces([priced.span]), FASTEST)
      const parts = Math.ceil(data.length / PART_BYTES)
      for (let part = 0; part < parts; part++) {
        appender.appendBigInt(keyToInt64(key))
        appender.appendVarchar(context.digest)
        appender.appendVarchar(priced.span.traceId)
        appender.appendVarchar(priced.span.spanId)
        appender.appendInteger(part)
        appender.appendBlob(data.subarray(part * PART_BYTES, (part + 1) * PART_BYTES))
        appender.endRow()
      }
      return { ...row, priced: { span: trimSpan(priced.span), ledger: priced.ledger }, parts }
    })
    appender.closeSync()
    return left
  } catch (error) {
    appender.clear()
    throw error
  }
}

function isToMove({ bytes, parts }: SpanRow): boolean {
  return bytes > LARGE_SPAN_BYTES && parts === 0
}

/** Deletes the parts of versions that hold no more. */
export async function deleteLargeSpans(
  connection: DuckDBConnection,
  versions: readonly StoredVersion[],
): Promise<void> {
  const texts = (of: (version: StoredVersion) => string) => listValue(versions.map(of))
  await connection.run(
    `DELETE FROM large_spans WHERE span_key IN (SELECT unnest($1))
      AND (digest, trace_id, span_id) IN (SELECT (unnest($2), unnest($3), unnest($4)))`,
    [
      listValue(versions.map(({ key }) => key)),
      texts(({ digest }) => digest),
      texts(({ traceId }) => traceId),
      texts(({ spanId }) => spanId),
    ],
    [LIST(BIGINT), LIST(VARCHAR), LIST(VARCHAR), LIST(VARCHAR)],
  )
}

/** The spans of rows that `statement` selects, the large ones whole. */
export async function querySpans(connection: DuckDBConnection, statement: Sql): Promise<readonly StoredSpan[]> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const rows = await runQuery(connection, statement)
    const large = rows.filter(({ large_parts }) => Number(large_parts ?? 0) > 0)
    if (large.length === 0) return rows.map((row) => readSpan(row, duckDbDialect))
    const parts = await readParts(connection, large)
    // Between the two queries a write may have put another version in the place of one of these.
    if (!large.every((row) => parts.get(identity(row))?.length === Number(row.large_parts))) continue
    return rows.map((row) => {
      const stored = readSpan(row, duckDbDialect)
      const data = parts.get(identity(row))
      return data === undefined ? stored : { ...stored, span: decodeSpan(data) }
    })
  }
  throw new Error('parts of a large span are missing')
}

async function readParts(connection: DuckDBConnection, rows: readonly Row[]): Promise<Map<string, Uint8Array[]>> {
  const wanted = new Map(rows.map((row) => [identity(row), [] as Uint8Array[]]))
  const result = await connection.runAndReadAll(
    `SELECT digest, trace_id, span_id, data FROM large_spans WHERE span_key IN (SELECT unnest($1)) ORDER BY part`,
    [listValue(rows.map(({ span_key }) => span_key as bigint))],
    [LIST(BIGINT)],
  )
  for (const row of result.getRowObjects()) wanted.get(identity(row))?.push((row.data as DuckDBBlobValue).bytes)
  return wanted
}

function decodeSpan(parts: readonly Uint8Array[]): Span {
  const [span] = decodeSpans(zstdDecompressSync(Buffer.concat(parts)))
  return span as Span
}

/** A batch's digest is of its project too, and of its spans with the same ids it stores one. */
function identity({ digest, trace_id, span_id }: Row): string {
  return `${trace_id}/${span_id}/${digest}`
}
