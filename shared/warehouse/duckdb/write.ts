import {
  BIGINT,
  type DuckDBConnection,
  DuckDBTimestampNanosecondsValue,
  type DuckDBValue,
  LIST,
  listValue,
  TIMESTAMP_NS,
  VARCHAR,
} from '@duckdb/node-api'
import type { BatchResult, SpanBatch } from '../trace-store.ts'
import type { Database } from './database.ts'
import { deleteLargeSpans, storeLargeSpans } from './large-spans.ts'
import { keyToInt64 } from './span-key.ts'
import { createStoredSpans } from './stored-spans.ts'
import { planWrite, type SpanCorrection, type WritePlan } from './write-plan.ts'

const TEXTS = LIST(VARCHAR)
const INTEGERS = LIST(BIGINT)

/** Writes all of `batches` in one transaction. When it rejects, the transaction may still be open. */
export async function writeBatches(
  { writer, appender, seen }: Database,
  batches: readonly SpanBatch[],
): Promise<readonly BatchResult[]> {
  await writer.run('BEGIN TRANSACTION')
  const plan = await planWrite(batches, seen, createStoredSpans(writer))
  if (plan.remove.length > 0) {
    await writer.run('DELETE FROM spans WHERE rowid IN (SELECT unnest($1))', [listValue(plan.remove)], [INTEGERS])
  }
  if (plan.removeLarge.length > 0) await deleteLargeSpans(writer, plan.removeLarge)
  if (plan.insert.length > 0) appender.append(await storeLargeSpans(writer, plan.insert))
  if (plan.corrections.length > 0) await replaceCorrections(writer, plan.corrections)
  if (plan.newBatches.length > 0) await insertBatches(writer, plan.newBatches)
  await writer.run('COMMIT')
  return plan.results
}

async function insertBatches(connection: DuckDBConnection, batches: WritePlan['newBatches']): Promise<void> {
  const column = (values: DuckDBValue[]) => listValue(values)
  await connection.run(
    `INSERT INTO batches (digest, project_id, spans, stored, duplicates, ingested_at)
      SELECT unnest($1), unnest($2), unnest($3), unnest($4), unnest($5), unnest($6)`,
    [
      column(batches.map(({ batch }) => batch.context.digest)),
      column(batches.map(({ batch }) => batch.context.project)),
      column(batches.map(({ batch }) => BigInt(batch.spans.length))),
      column(batches.map(({ result }) => BigInt(result.stored))),
      column(batches.map(({ result }) => BigInt(result.duplicates))),
      column(batches.map(({ batch }) => new DuckDBTimestampNanosecondsValue(batch.context.ingestedAt))),
    ],
    [TEXTS, TEXTS, INTEGERS, INTEGERS, INTEGERS, LIST(TIMESTAMP_NS)],
  )
}

async function replaceCorrections(connection: DuckDBConnection, corrections: readonly SpanCorrection[]): Promise<void> {
  const keys = corrections.map(({ key }) => keyToInt64(key))
  const texts = (of: (correction: SpanCorrection) => string) => listValue(corrections.map(of))
  const identity = [texts(({ project }) => project), texts(({ traceId }) => traceId), texts(({ spanId }) => spanId)]
  await connection.run(
    `DELETE FROM corrections WHERE span_key IN (SELECT unnest($1))
      AND (project_id, trace_id, span_id) IN (SELECT (unnest($2), unnest($3), unnest($4)))`,
    [listValue(keys), ...identity],
    [INTEGERS, TEXTS, TEXTS, TEXTS],
  )
  await connection.run(
    `INSERT INTO corrections (project_id, trace_id, span_id, revision, ledger, span_key)
      SELECT unnest($1), unnest($2), unnest($3), unnest($4), unnest($5), unnest($6)`,
    [
      ...identity,
      listValue(corrections.map(({ revision }) => revision)),
      texts(({ ledger }) => ledger),
      listValue(keys),
    ],
    [TEXTS, TEXTS, TEXTS, INTEGERS, TEXTS, INTEGERS],
  )
}
