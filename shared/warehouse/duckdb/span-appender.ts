import { type DuckDBConnection, DuckDBDataChunk } from '@duckdb/node-api'
import duckdb from '@duckdb/node-bindings'
import { type RowContext, WAREHOUSE_COLUMNS, type WarehouseColumn } from '../../spans/columns.ts'
import type { PricedSpan } from '../../spans/ledger.ts'
import { LARGE_PARTS, SPAN_KEY } from '../ddl/duckdb.ts'
import type { SpanKey } from './span-key.ts'
import {
  attributesWriter,
  CHUNK_ROWS,
  type ColumnWriter,
  doubleWriter,
  integerWriter,
  keyWriter,
  nullableTextWriter,
  smallIntegerWriter,
  textWriter,
} from './vectors.ts'

/** A row on its way into the table `spans`. */
export interface SpanRow {
  readonly priced: PricedSpan
  readonly context: RowContext
  readonly key: SpanKey
  /** Of the whole span, by `spanBytes`. */
  readonly bytes: number
  /** In how many rows of `large_spans` the whole span is; 0 if it is all here. */
  readonly parts: number
}

/** Appends to the table `spans` within whatever transaction its connection is in. */
export interface SpanAppender {
  /** Takes rows, without holding on to them. Throws what the column values or DuckDB throw; the appender is of no use after that. */
  append(rows: readonly SpanRow[]): void
  /** Puts all rows into the table: until then nothing but the appender knows of the last. Throws like {@link append}. */
  flush(): void
  /** Forgets what is not flushed. */
  close(): void
}

/** One column's way from rows to its vector. */
interface ColumnFill {
  push(rows: readonly SpanRow[], from: number, to: number): void
  flush(vector: duckdb.Vector): void
}

/** Opens an appender; `columns` are the names of the table's columns in the order that this database has them. */
export async function createSpanAppender(
  connection: DuckDBConnection,
  columns: readonly string[],
): Promise<SpanAppender> {
  const appender = await connection.createAppender('spans')
  const fills = columns.map(createFill)
  const chunk = DuckDBDataChunk.create(columns.map((_, index) => appender.columnType(index)))
  let filled = 0

  function appendChunk(): void {
    chunk.reset()
    for (const [index, fill] of fills.entries()) fill.flush(duckdb.data_chunk_get_vector(chunk.chunk, index))
    chunk.rowCount = filled
    filled = 0
    appender.appendDataChunk(chunk)
  }

  return {
    append(rows) {
      for (let from = 0; from < rows.length; ) {
        const to = Math.min(from + CHUNK_ROWS - filled, rows.length)
        for (const fill of fills) fill.push(rows, from, to)
        filled += to - from
        from = to
        if (filled === CHUNK_ROWS) appendChunk()
      }
    },
    flush() {
      if (filled > 0) appendChunk()
      appender.flushSync()
    },
    close() {
      try {
        appender.clear()
        appender.closeSync()
      } catch {
        // It has failed before, and holds nothing any more.
      }
    },
  }
}

const COLUMNS = new Map<string, WarehouseColumn>(WAREHOUSE_COLUMNS.map((column) => [column.warehouse, column]))

function createFill(name: string): ColumnFill {
  if (name === SPAN_KEY) return fillWith(keyWriter(), (row) => row.key)
  if (name === LARGE_PARTS) return fillWith(smallIntegerWriter(), (row) => row.parts)
  // Known already, and not to be taken from what a large span has left here.
  if (name === 'span_bytes') return fillWith(integerWriter(), (row) => row.bytes)
  const column = COLUMNS.get(name)
  // A column that a newer version has added: this one has nothing to say there.
  if (column === undefined) return fillNull
  switch (column.type) {
    case 'string': {
      const { value } = column
      return fillWith(column.nullable ? nullableTextWriter() : (textWriter() as ColumnWriter<string | null>), (row) =>
        value(row.priced, row.context),
      )
    }
    case 'json':
      return fillWith(nullableTextWriter(), ({ priced, context }) => column.value(priced, context))
    case 'int64':
    case 'timestamp':
      return fillWith(integerWriter(), ({ priced, context }) => column.value(priced, context))
    case 'float64':
      return fillWith(doubleWriter(), ({ priced, context }) => column.value(priced, context))
    case 'attributes':
      return fillWith(attributesWriter(), ({ priced, context }) => column.value(priced, context))
    default:
      throw new TypeError(`the warehouse has no columns of type ${column.type}`)
  }
}

function fillWith<T>(writer: ColumnWriter<T>, value: (row: SpanRow) => T): ColumnFill {
  return {
    push(rows, from, to) {
      for (let index = from; index < to; index++) writer.push(value(rows[index] as SpanRow))
    },
    flush: (vector) => writer.flush(vector),
  }
}

const ALL_NULL = new ArrayBuffer(CHUNK_ROWS / 8)

const fillNull: ColumnFill = {
  push() {},
  flush(vector) {
    duckdb.vector_ensure_validity_writable(vector)
    duckdb.copy_data_to_vector_validity(vector, 0, ALL_NULL, 0, ALL_NULL.byteLength)
  },
}
