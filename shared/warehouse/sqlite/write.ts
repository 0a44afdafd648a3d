import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import { SpanledgerError } from '../../errors.ts'
import { attributeText } from '../../spans/attribute-text.ts'
import type { Attributes } from '../../spans/attributes.ts'
import { type RowContext, WAREHOUSE_COLUMNS, type WarehouseColumn } from '../../spans/columns.ts'
import type { PricedSpan } from '../../spans/ledger.ts'
import { type Correction, correctedLedger, supersedes, toCorrection } from '../correction.ts'
import { readSpan } from '../sql/stored-span.ts'
import type { BatchResult, SpanBatch } from '../trace-store.ts'
import { sqliteDialect } from './dialect.ts'

/** Prepares the statements of a write; the function returned writes all batches in one transaction, or throws. */
export function createBatchWriter(database: DatabaseSync): (batches: Iterable<SpanBatch>) => BatchResult[] {
  const names = WAREHOUSE_COLUMNS.map((column) => column.warehouse)
  const marks = names.map(() => '?').join(', ')
  const findBatch = database.prepare('SELECT 1 FROM batches WHERE digest = ?')
  const findSpan = database.prepare(
    'SELECT end_time, digest FROM spans WHERE trace_id = ? AND span_id = ? AND project_id = ?',
  )
  const insertSpan = database.prepare(`INSERT OR REPLACE INTO spans (${names.join(', ')}) VALUES (${marks})`)
  const readStored = database.prepare('SELECT * FROM spans WHERE trace_id = ? AND span_id = ? AND project_id = ?')
  const findCorrection = database.prepare(
    'SELECT revision, ledger FROM corrections WHERE trace_id = ? AND span_id = ? AND project_id = ?',
  )
  const insertCorrection = database.prepare(
    'INSERT OR REPLACE INTO corrections (trace_id, span_id, project_id, revision, ledger) VALUES (?, ?, ?, ?, ?)',
  )
  const insertBatch = database.prepare(
    'INSERT INTO batches (digest, project_id, spans, stored, duplicates, ingested_at) VALUES (?, ?, ?, ?, ?, ?)',
  )

  function write(batches: Iterable<SpanBatch>): BatchResult[] {
    database.exec('BEGIN IMMEDIATE')
    try {
      const results = Array.from(batches, writeBatch)
      database.exec('COMMIT')
      return results
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      throw error
    }
  }

  function writeBatch({ context, spans, corrections = [] }: SpanBatch): BatchResult {
    const { digest, project, ingestedAt } = context
    let stored = 0
    if (findBatch.get(digest) !== undefined) return { stored: 0, duplicates: 0 }
    for (const priced of spans) if (writeSpan(priced, context)) stored++
    for (const priced of corrections) writeCorrection(priced, context)
    const duplicates = spans.length - stored
    insertBatch.run(digest, project, spans.length, stored, duplicates, ingestedAt)
    return { stored, duplicates }
  }

  /** Whether the span is new. Of two versions the one with the later end holds, then the one with the greater digest. */
  function writeSpan(priced: PricedSpan, context: RowContext): boolean {
    const { traceId, spanId, endTimeUnixNano } = priced.span
    const holder = findSpan.get(traceId, spanId, context.project)
    if (holder !== undefined) {
      const endTime = holder.end_time as bigint
      const holds = endTime === endTimeUnixNano ? (holder.digest as string) > context.digest : endTime > endTimeUnixNano
      if (holds) return false
    }
    const correction = readCorrection(traceId, spanId, context.project)
    const ledger = correction === undefined ? priced.ledger : correctedLedger(correction)
    insertSpan.run(...rowOf({ span: priced.span, ledger }, context))
    return holder === undefined
  }

  /** Of all ledgers of a span the one with the highest revision holds, whether the span is here yet or not. */
  function writeCorrection(priced: PricedSpan, context: RowContext): void {
    const identity = [priced.span.traceId, priced.span.spanId, context.project] as const
    const correction = toCorrection(priced.ledger)
    if (!supersedes(correction, readCorrection(...identity))) return
    insertCorrection.run(...identity, correction.revision, correction.ledger)
    const row = readStored.get(...identity)
    if (row === undefined) return
    const stored = readSpan(row, sqliteDialect)
    insertSpan.run(...rowOf({ span: stored.span, ledger: priced.ledger }, stored.context))
  }

  function readCorrection(traceId: string, spanId: string, project: string): Correction | undefined {
    const row = findCorrection.get(traceId, spanId, project)
    return row === undefined ? undefined : { revision: row.revision as bigint, ledger: row.ledger as string }
  }

  return write
}

function rowOf(priced: PricedSpan, context: RowContext): SQLInputValue[] {
  try {
    return WAREHOUSE_COLUMNS.map((column) => bindable(column, priced, context))
  } catch (error) {
    throw new SpanledgerError('store/rejected', 'a span has a value that no column can hold', { cause: error })
  }
}

function bindable(column: WarehouseColumn, priced: PricedSpan, context: RowContext): SQLInputValue {
  switch (column.type) {
    case 'attributes':
      return attributesJson(column.value(priced, context))
    case 'strings':
    case 'attributesList':
      throw new TypeError(`the warehouse has no columns of type ${column.type}`)
    case 'int64': {
      const value = column.value(priced, context)
      return typeof value === 'number' ? BigInt(value) : value
    }
    default:
      return column.value(priced, context)
  }
}

/** `[{"key":…,"value":…}]`, the shape that the other stores' column has; an object would lose the order of number-like keys. */
function attributesJson(attributes: Attributes): string {
  return JSON.stringify(Array.from(attributes, ([key, value]) => ({ key, value: attributeText(value) })))
}
