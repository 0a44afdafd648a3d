import { BIGINT, type DuckDBConnection, LIST, listValue, VARCHAR } from '@duckdb/node-api'
import { spanBytes } from '../../spans/size.ts'
import { readSpan } from '../sql/stored-span.ts'
import { duckDbDialect } from './dialect.ts'
import { keyFromInt64 } from './span-key.ts'
import type { StoredSpans } from './write-plan.ts'

/** What the tables hold, as the transaction that `connection` is in sees it; `before` each question puts there what is not yet. */
export function createStoredSpans(
  connection: DuckDBConnection,
  { before }: { readonly before: () => Promise<void> },
): StoredSpans {
  const select = async (text: string, values: readonly string[] | readonly bigint[]) => {
    await before()
    const type = typeof values[0] === 'string' ? LIST(VARCHAR) : LIST(BIGINT)
    const result = await connection.runAndReadAll(text, [listValue([...values])], [type])
    return result.getRowObjects()
  }
  return {
    async digests(digests) {
      const rows = await select('SELECT digest FROM batches WHERE digest IN (SELECT unnest($1))', digests)
      return new Set(rows.map(({ digest }) => digest as string))
    },
    async versions(keys) {
      const rows = await select(
        `SELECT rowid, span_key, project_id, trace_id, span_id, end_time, digest, large_parts
          FROM spans WHERE span_key IN (SELECT unnest($1))`,
        keys,
      )
      return rows.map((row) => ({
        ...identity(row),
        rowid: row.rowid as bigint,
        key: row.span_key as bigint,
        endTime: duckDbDialect.readNanos(row.end_time),
        digest: row.digest as string,
        parts: Number(row.large_parts ?? 0),
      }))
    },
    async corrections(keys) {
      const rows = await select(
        'SELECT project_id, trace_id, span_id, revision, ledger FROM corrections WHERE span_key IN (SELECT unnest($1))',
        keys,
      )
      return rows.map((row) => ({
        ...identity(row),
        revision: row.revision as bigint,
        ledger: row.ledger as string,
      }))
    },
    async spans(rowids) {
      const rows = await select('SELECT * FROM spans WHERE rowid IN (SELECT unnest($1))', rowids)
      return rows.map((row) => {
        const { span, ledger, context } = readSpan(row, duckDbDialect)
        return {
          priced: { span, ledger },
          context,
          key: keyFromInt64(row.span_key as bigint),
          bytes: Number(row.span_bytes ?? spanBytes(span)),
          parts: Number(row.large_parts ?? 0),
        }
      })
    },
  }
}

function identity(row: Readonly<Record<string, unknown>>) {
  return { project: row.project_id as string, traceId: row.trace_id as string, spanId: row.span_id as string }
}
