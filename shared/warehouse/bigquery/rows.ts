import type { BookEntry } from '../../books.ts'
import { attributeText } from '../../spans/attribute-text.ts'
import type { Attributes } from '../../spans/attributes.ts'
import { type RowContext, WAREHOUSE_COLUMNS, type WarehouseColumn } from '../../spans/columns.ts'
import type { PricedSpan } from '../../spans/ledger.ts'
import { toCorrection } from '../correction.ts'
import type { SpanBatch } from '../trace-store.ts'
import { LEDGER_COLUMNS } from './schema.ts'
import { timestamp } from './timestamp.ts'

/** A row, and the place of what it says among the spans or the corrections of its batch. */
export interface PlacedRow {
  readonly index: number
  readonly row: InsertRow
}

/** A row as `insertAll` takes it: of two with the same id that come within a minute or so BigQuery keeps one. */
export interface InsertRow {
  readonly insertId: string
  readonly json: Readonly<Record<string, unknown>>
}

/**
 * What a batch adds to `spans`, in the order of its spans, each row made when it is asked for: all at once they can be a hundred times as large as
 * the message. One that is there again with no earlier end adds nothing: both would have
 * the digest by which a reader tells versions apart.
 */
export function* spanRows({ context, spans }: SpanBatch): Generator<PlacedRow> {
  const holders = new Map<string, PricedSpan>()
  for (const priced of spans) {
    const holder = holders.get(spanKey(priced))
    if (holder === undefined || holder.span.endTimeUnixNano <= priced.span.endTimeUnixNano)
      holders.set(spanKey(priced), priced)
  }
  for (const [index, priced] of spans.entries())
    if (holders.get(spanKey(priced)) === priced)
      yield { index, row: { insertId: insertId(context, index), json: spanJson(priced, context) } }
}

function spanKey({ span }: PricedSpan): string {
  return span.traceId + span.spanId
}

/** What a batch adds to `corrections`, in the order of its corrections. */
export function* correctionRows({ context, corrections = [] }: SpanBatch): Generator<PlacedRow> {
  for (const [index, priced] of corrections.entries())
    yield { index, row: { insertId: insertId(context, index), json: correctionJson(priced, context) } }
}

/** What an entry of a message that is stored adds to `batches`. */
export function batchRow({ project, digest, spans: stored, at }: BookEntry): InsertRow {
  const spans = stored.toString()
  const json = {
    digest,
    project_id: project,
    spans,
    stored: spans,
    duplicates: '0',
    ingested_at: timestamp(BigInt(Math.floor(at)) * 1_000_000n),
  }
  return { insertId: insertId({ project, digest }, 0), json }
}

function spanJson(priced: PricedSpan, context: RowContext): InsertRow['json'] {
  const json: Record<string, unknown> = {}
  for (const column of WAREHOUSE_COLUMNS) setField(json, column, priced, context)
  return json
}

function correctionJson(priced: PricedSpan, context: RowContext): InsertRow['json'] {
  const { traceId, spanId } = priced.span
  const json: Record<string, unknown> = { project_id: context.project, trace_id: traceId, span_id: spanId }
  for (const column of LEDGER_COLUMNS) setField(json, column, priced, context)
  json.ledger = toCorrection(priced.ledger).ledger
  json.corrected_at = timestamp(context.ingestedAt)
  return json
}

function setField(
  json: Record<string, unknown>,
  column: WarehouseColumn,
  priced: PricedSpan,
  context: RowContext,
): void {
  const { warehouse: name } = column
  switch (column.type) {
    case 'timestamp': {
      const nanos = column.value(priced, context)
      json[name] = nanos === null ? null : timestamp(nanos)
      json[`${name}_ns`] = nanos === null ? null : nanos.toString()
      return
    }
    case 'attributes':
      json[name] = keyValues(column.value(priced, context))
      return
    case 'int64': {
      const value = column.value(priced, context)
      json[name] = value === null ? null : value.toString()
      return
    }
    case 'string':
    case 'json':
      json[name] = column.value(priced, context)?.toWellFormed() ?? null
      return
    case 'float64':
      json[name] = column.value(priced, context)
      return
    default:
      throw new TypeError(`${name}: BigQuery has no column of type ${column.type}`)
  }
}

function keyValues(attributes: Attributes): { key: string; value: string }[] {
  return Array.from(attributes, ([key, value]) => ({
    key: key.toWellFormed(),
    value: attributeText(value).toWellFormed(),
  }))
}

/** By place: a message that comes again has the same rows in the same order. BigQuery takes ids of up to 128 bytes. */
function insertId({ project, digest }: Pick<RowContext, 'project' | 'digest'>, index: number): string {
  return `${project}/${digest}/${index}`.slice(-120)
}
