import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import { SpanledgerError } from '../../errors.ts'
import { attributeText } from '../../spans/attribute-text.ts'
import type { Attributes } from '../../spans/attributes.ts'
import { type RowContext, WAREHOUSE_COLUMNS, type WarehouseColumn } from '../../spans/columns.ts'
import type { PricedSpan } from '../../spans/ledger.ts'
import type { BatchResult, SpanBatch } from '../trace-store.ts'

/** Prepares the statements of a write; the function returned writes all batches in one transaction, or throws. */
export function createBatchWriter(database: DatabaseSync): (batches: readonly SpanBatch[]) => BatchResult[] {
  const names = WAREHOUSE_COLUMNS.map((column) => column.warehouse)
  const marks = names.map(() => '?').join(', ')
  const findBatch = database.prepare('SELECT 1 FROM batches WHERE digest = ?')
  const findSpan = database.prepare(
    'SELECT rowid, end_time, digest FROM spans WHERE trace_id = ? AND span_id = ? AND project_id = ?',
  )
  const removeSpan = database.prepare('DELETE FROM spans WHERE rowid = ?')
  const insertSpan = database.prepare(`INSERT INTO spans (${names.join(', ')}) VALUES (${marks})`)
  const insertBatch = database.prepare(
    'INSERT INTO batches (digest, project_id, spans, stored, duplicates, ingested_at) VALUES (?, ?, ?, ?, ?, ?)',
  )

  function write(batches: readonly SpanBatch[]): BatchResult[] {
    database.exec('BEGIN IMMEDIATE')
    try {
      const results = batches.map(writeBatch)
      database.exec('COMMIT')
      return results
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      throw error
    }
  }

  function writeBatch({ context, spans }: SpanBatch): BatchResult {
    const { digest, project, ingestedAt } = context
    let stored = 0
    if (findBatch.get(digest) !== undefined) return { stored: 0, duplicates: 0 }
    for (const priced of spans) if (writeSpan(priced, context)) stored++
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
      removeSpan.run(holder.rowid as bigint)
    }
    insertSpan.run(...rowOf(priced, context))
    return holder === undefined
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
