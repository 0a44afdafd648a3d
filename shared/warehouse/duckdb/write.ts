import { BIGINT, type DuckDBConnection, type DuckDBValue, LIST, listValue, VARCHAR } from '@duckdb/node-api'
import type { BatchResult, SpanBatch } from '../trace-store.ts'
import type { Database } from './database.ts'
import { duckDbDialect } from './dialect.ts'
import { planWrite, type StoredSpans, type WritePlan } from './write-plan.ts'

const TEXTS = LIST(VARCHAR)
const INTEGERS = LIST(BIGINT)

/** Writes all of `batches` in one transaction. When it rejects, the transaction may still be open. */
export async function writeBatches(
  { writer, appender, seen }: Database,
  batches: readonly SpanBatch[],
): Promise<readonly BatchResult[]> {
  await writer.run('BEGIN TRANSACTION')
  const plan = await planWrite(batches, seen, storedSpans(writer))
  if (plan.remove.length > 0) {
    await writer.run('DELETE FROM spans WHERE rowid IN (SELECT unnest($1))', [listValue(plan.remove)], [INTEGERS])
  }
  if (plan.insert.length > 0) appender.append(plan.insert)
  if (plan.newBatches.length > 0) await insertBatches(writer, plan.newBatches)
  await writer.run('COMMIT')
  return plan.results
}

function storedSpans(connection: DuckDBConnection): StoredSpans {
  return {
    async digests(digests) {
      const text = 'SELECT digest FROM batches WHERE digest IN (SELECT unnest($1))'
      const result = await connection.runAndReadAll(text, [listValue(digests)], [TEXTS])
      return new Set(result.getRows().map(([digest]) => digest as string))
    },
    async versions(keys) {
      const text = `SELECT rowid, project_id, trace_id, span_id, end_time, digest
        FROM spans WHERE span_key IN (SELECT unnest($1))`
      const result = await connection.runAndReadAll(text, [listValue(keys)], [INTEGERS])
      return result.getRows().map(([rowid, project, traceId, spanId, endTime, digest]) => ({
        rowid: rowid as bigint,
        project: project as string,
        traceId: traceId as string,
        spanId: spanId as string,
        endTime: duckDbDialect.readNanos(endTime),
        digest: digest as string,
      }))
    },
  }
}

async function insertBatches(connection: DuckDBConnection, batches: WritePlan['newBatches']): Promise<void> {
  const column = (values: DuckDBValue[]) => listValue(values)
  await connection.run(
    `INSERT INTO batches (digest, project_id, spans, stored, duplicates, ingested_at)
      SELECT digest, project_id, spans, stored, duplicates, make_timestamp_ns(ingested_at) FROM (SELECT
        unnest($1) AS digest, unnest($2) AS project_id, unnest($3) AS spans,
        unnest($4) AS stored, unnest($5) AS duplicates, unnest($6) AS ingested_at)`,
    [
      column(batches.map(({ batch }) => batch.context.digest)),
      column(batches.map(({ batch }) => batch.context.project)),
      column(batches.map(({ batch }) => BigInt(batch.spans.length))),
      column(batches.map(({ result }) => BigInt(result.stored))),
      column(batches.map(({ result }) => BigInt(result.duplicates))),
      column(batches.map(({ batch }) => batch.context.ingestedAt)),
    ],
    [TEXTS, TEXTS, INTEGERS, INTEGERS, INTEGERS, INTEGERS],
  )
}
