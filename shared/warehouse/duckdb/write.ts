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
import { type NewBatch, planWrite, type SpanCorrection } from './write-plan.ts'

const TEXTS = LIST(VARCHAR)
const INTEGERS = LIST(BIGINT)

/**
 * Writes all of `batches` in one transaction, about `spansAtOnce` spans after the other. When it rejects, the transaction may
 * still be open.
 */
export async function writeBatches(
  database: Database,
  batches: Iterable<SpanBatch>,
  { spansAtOnce }: { readonly spansAtOnce: number },
): Promise<readonly BatchResult[]> {
  const { writer, appender, seen } = database
  const results: BatchResult[] = []
  let newBatches: NewBatch[] = []
  const flush = async () => {
    appender.flush()
    if (newBatches.length > 0) await insertBatches(writer, newBatches)
    newBatches = []
  }
  await writer.run('BEGIN TRANSACTION')
  const stored = createStoredSpans(writer, { before: flush })
  for (const slice of slices(batches, spansAtOnce)) {
    const plan = await planWrite(slice, seen, stored)
    if (plan.remove.length > 0) {
      await writer.run('DELETE FROM spans WHERE rowid IN (SELECT unnest($1))', [listValue(plan.remove)], [INTEGERS])
    }
    if (plan.removeLarge.length > 0) await deleteLargeSpans(writer, plan.removeLarge)
    if (plan.insert.length > 0) appender.append(await storeLargeSpans(writer, plan.insert))
    database.rows += plan.insert.length
    if (plan.corrections.length > 0) await replaceCorrections(writer, plan.corrections)
    newBatches.push(...plan.newBatches)
    results.push(...plan.results)
  }
  await flush()
  await writer.run('COMMIT')
  return results
}

/** `batches` in groups of `size` spans or little more. */
function* slices(batches: Iterable<SpanBatch>, size: number): Generator<readonly SpanBatch[]> {
  let slice: SpanBatch[] = []
  let spans = 0
  for (const batch of batches) {
    slice.push(batch)
    spans += batch.spans.length
    if (spans < size) continue
    yield slice
    slice = []
    spans = 0
  }
  if (slice.length > 0) yield slice
}

async function insertBatches(connection: DuckDBConnection, batches: readonly NewBatch[]): Promise<void> {
  const column = (values: DuckDBValue[]) => listValue(values)
  await connection.run(
    `INSERT INTO batches (digest, project_id, spans, stored, duplicates, ingested_at)
      SELECT unnest($1), unnest($2), unnest($3), unnest($4), unnest($5), unnest($6)`,
    [
      column(batches.map(({ context }) => context.digest)),
      column(batches.map(({ context }) => context.project)),
      column(batches.map(({ spans }) => BigInt(spans))),
      column(batches.map(({ result }) => BigInt(result.stored))),
      column(batches.map(({ result }) => BigInt(result.duplicates))),
      column(batches.map(({ context }) => new DuckDBTimestampNanosecondsValue(context.ingestedAt))),
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
