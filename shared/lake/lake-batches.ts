import '../duckdb-text.ts'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DuckDBConnection, DuckDBMapValue } from '@duckdb/node-api'
import { COLUMNS } from '../spans/columns.ts'
import { duckDbDialect } from '../warehouse/duckdb/dialect.ts'
import { readSpan } from '../warehouse/sql/stored-span.ts'
import type { SpanBatch, StoredSpan } from '../warehouse/trace-store.ts'
import { correctedSql } from './corrected-sql.ts'
import { END_TIME_SQL } from './end-time-sql.ts'
import { createParquetFormat } from './parquet-format.ts'
import { sentKey } from './token-attributes.ts'

/** The lake's maps and keys where the warehouse has its own; all else of a row reads the same. */
const DIALECT: typeof duckDbDialect = {
  ...duckDbDialect,
  readAttributes: (stored) =>
    (stored as DuckDBMapValue).entries.map(({ key, value }) => [sentKey(key as string), value as string]),
}

/**
 * The spans of the lake as the messages they came in, all spans of a message together wherever they lie: what a warehouse takes. `corrections` are files of
 * corrected ledgers, which replace earlier ones. Yields about `size` spans at a time; rows are sorted on disk, in `scratch`.
 */
export async function* readLakeBatches(
  paths: readonly string[],
  {
    scratch,
    corrections = [],
    size = 10_000,
  }: { readonly scratch: string; readonly corrections?: readonly string[]; readonly size?: number },
): AsyncGenerator<SpanBatch[]> {
  if (paths.length === 0) return
  const { DuckDBInstance } = await import('@duckdb/node-api')
  const instance = await DuckDBInstance.create(':memory:', {
    autoinstall_known_extensions: 'false',
    preserve_insertion_order: 'false',
    memory_limit: '1GB',
    temp_directory: join(scratch, 'spill'),
    threads: '1',
  })
  const connection = await instance.connect()
  try {
    // An empty file that has all columns: those that older files lack are filled in.
    const template = join(scratch, 'template.parquet')
    await writeFile(template, createParquetFormat().encode([], { digests: [], projects: {} }))
    let ready: SpanBatch[] = []
    let held = 0
    let message: StoredSpan[] = []
    for await (const span of readRows(connection, [template, ...paths], corrections)) {
      const [first] = message
      if (first !== undefined && first.context.digest !== span.context.digest) {
        ready.push(toBatch(message))
        held += message.length
        message = []
        if (held >= size) {
          yield ready
          ready = []
          held = 0
        }
      }
      message.push(span)
    }
    if (message.length > 0) yield [...ready, toBatch(message)]
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

async function* readRows(
  connection: DuckDBConnection,
  paths: readonly string[],
  corrections: readonly string[],
): AsyncGenerator<StoredSpan> {
  const columns = COLUMNS.filter(({ lake, warehouse }) => lake !== undefined && warehouse !== undefined)
  const select = columns.map(({ lake, warehouse }) => `"${lake}" AS ${warehouse}`)
  select.push(`${END_TIME_SQL} AS end_time`)
  const read = (files: readonly string[]) => {
    const list = files.map((path) => `'${path.replaceAll("'", "''")}'`).join(', ')
    return `SELECT * FROM read_parquet([${list}], union_by_name = true, hive_partitioning = false)`
  }
  const rows = corrections.length === 0 ? read(paths) : correctedSql(read(paths), read(corrections))
  const result = await connection.stream(`SELECT ${select.join(', ')} FROM (${rows}) ORDER BY Digest`)
  const names = result.columnNames()
  for await (const chunk of result) {
    for (const values of chunk.getRows()) {
      yield readSpan(Object.fromEntries(names.map((name, index) => [name, values[index]])), DIALECT)
    }
  }
}

function toBatch(spans: readonly StoredSpan[]): SpanBatch {
  return { context: (spans[0] as StoredSpan).context, spans: spans.map(({ span, ledger }) => ({ span, ledger })) }
}
