import duckdb, { type Vector } from '@duckdb/node-bindings'
import { attributeText } from '../../spans/attribute-text.ts'
import type { Attributes } from '../../spans/attributes.ts'
import type { SpanKey } from './span-key.ts'
import { StringColumn } from './strings.ts'

/** Rows of one data chunk at most: DuckDB's vector size. */
export const CHUNK_ROWS = 2048

/** Offset and length of a list, 64 bits each. */
const LIST_ENTRY_BYTES = 16

/** Collects the values of one column and writes them to a vector of a data chunk. */
export interface ColumnWriter<T> {
  push(value: T): void
  /** Writes all values to `vector` and forgets them. */
  flush(vector: Vector): void
}

/** VARCHAR, without NULL. */
export function textWriter(): ColumnWriter<string> {
  return new StringColumn()
}

/** VARCHAR. */
export function nullableTextWriter(): ColumnWriter<string | null> {
  const texts = new StringColumn()
  const validity = createValidity()
  return {
    push(value) {
      if (value === null) validity.unset(texts.length)
      texts.push(value ?? '')
    },
    flush(vector) {
      validity.flush(vector)
      texts.flush(vector)
    },
  }
}

/** BIGINT and TIMESTAMP_NS. Numbers must be integers in [0, 2^53). */
export function integerWriter(): ColumnWriter<bigint | number | null> {
  const values = new BigInt64Array(CHUNK_ROWS)
  const words = new Uint32Array(values.buffer)
  const validity = createValidity()
  let count = 0
  return {
    push(value) {
      if (typeof value === 'bigint') values[count] = value
      else if (value === null) validity.unset(count)
      else {
        words[count * 2] = value
        words[count * 2 + 1] = value / 2 ** 32
      }
      count++
    },
    flush(vector) {
      duckdb.copy_data_to_vector(vector, 0, values.buffer, 0, count * 8)
      validity.flush(vector)
      count = 0
    },
  }
}

/** INTEGER, without NULL. */
export function smallIntegerWriter(): ColumnWriter<number> {
  const values = new Int32Array(CHUNK_ROWS)
  let count = 0
  return {
    push(value) {
      values[count++] = value
    },
    flush(vector) {
      duckdb.copy_data_to_vector(vector, 0, values.buffer, 0, count * 4)
      count = 0
    },
  }
}

/** BIGINT of span keys, the trace's hash in its upper half. */
export function keyWriter(): ColumnWriter<SpanKey> {
  const words = new Uint32Array(CHUNK_ROWS * 2)
  let used = 0
  return {
    push({ trace, span }) {
      words[used++] = span
      words[used++] = trace
    },
    flush(vector) {
      duckdb.copy_data_to_vector(vector, 0, words.buffer, 0, used * 4)
      used = 0
    },
  }
}

/** DOUBLE. */
export function doubleWriter(): ColumnWriter<number | null> {
  const values = new Float64Array(CHUNK_ROWS)
  const validity = createValidity()
  let count = 0
  return {
    push(value) {
      if (value === null) validity.unset(count)
      else values[count] = value
      count++
    },
    flush(vector) {
      duckdb.copy_data_to_vector(vector, 0, values.buffer, 0, count * 8)
      validity.flush(vector)
      count = 0
    },
  }
}

/** STRUCT("key" VARCHAR, "value" VARCHAR)[]. Rows that share one `Attributes` object share its entries. */
export function attributesWriter(): ColumnWriter<Attributes> {
  /** Offset and length of each row's entries. */
  const entries = new BigUint64Array(CHUNK_ROWS * 2)
  const words = new Uint32Array(entries.buffer)
  const keys = new StringColumn()
  const values = new StringColumn()
  let count = 0
  let last: Attributes | undefined
  return {
    push(attributes) {
      const word = count++ * 4
      if (attributes === last) {
        words.copyWithin(word, word - 4, word)
        return
      }
      last = attributes
      words[word] = keys.length
      words[word + 2] = attributes.size
      for (const [key, value] of attributes) {
        keys.push(key)
        values.push(typeof value === 'string' ? value : attributeText(value))
      }
    },
    flush(vector) {
      duckdb.list_vector_reserve(vector, keys.length)
      duckdb.list_vector_set_size(vector, keys.length)
      const struct = duckdb.list_vector_get_child(vector)
      if (keys.length > 0) {
        keys.flush(duckdb.struct_vector_get_child(struct, 0))
        values.flush(duckdb.struct_vector_get_child(struct, 1))
      }
      duckdb.copy_data_to_vector(vector, 0, entries.buffer, 0, count * LIST_ENTRY_BYTES)
      count = 0
      last = undefined
    },
  }
}

interface Validity {
  unset(row: number): void
  flush(vector: Vector): void
}

/** Which rows are NULL; costs nothing while none is. */
function createValidity(): Validity {
  const bits = new Uint32Array(CHUNK_ROWS / 32).fill(0xffffffff)
  let anyNull = false
  return {
    unset(row) {
      anyNull = true
      bits[row >>> 5] = (bits[row >>> 5] as number) & ~(1 << (row & 31))
    },
    flush(vector) {
      if (!anyNull) return
      duckdb.vector_ensure_validity_writable(vector)
      duckdb.copy_data_to_vector_validity(vector, 0, bits.buffer, 0, bits.byteLength)
      bits.fill(0xffffffff)
      anyNull = false
    },
  }
}
