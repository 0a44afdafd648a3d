import { BIGINT, type DuckDBConnection, LIST, listValue, VARCHAR } from '@duckdb/node-api'
import { readSpan } from '../sql/stored-span.ts'
import { duckDbDialect } from './dialect.ts'
import type { StoredSpans } from './write-plan.ts'

/** What the tables hold, as the transaction that `connection` is in sees it. */
export function createStoredSpans(connection: DuckDBConnection): StoredSpans {
  const select = async (text: string, values: readonly string[] | readonly bigint[]) => {
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
        `SELECT rowid, project_id, trace_id, span_id, end_time, digest
          FROM spans WHERE span_key IN (SELECT unnest($1))`,
        keys,
      )
      return rows.map((row) => ({
        ...identity(row),
        rowid: row.rowid as bigint,
        endTime: duckDbDialect.readNanos(row.end_time),
        digest: row.digest as string,
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
      return rows.map((row) => readSpan(row, duckDbDialect))
    },
  }
}

function identity(row: Readonly<Record<string, unknown>>) {
  return { project: row.project_id as string, traceId: row.trace_id as string, spanId: row.span_id as string }
}
