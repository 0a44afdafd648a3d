import '../duckdb-text.ts'
import { describeError, isSpanledgerError } from '../errors.ts'
import type { ObjectInfo } from './object-store.ts'
import type { ReadableLake } from './readable-lake.ts'

/** What a query or a rebuild had to leave out, with the reason, by name. */
export type UnreadableFiles = ReadonlyMap<string, string>

/** Reads each file by itself, every value, to find those that are to blame for an error. */
export async function findUnreadable(lake: ReadableLake, objects: readonly ObjectInfo[]): Promise<UnreadableFiles> {
  const paths = await lake.locate(objects)
  const { DuckDBInstance } = await import('@duckdb/node-api')
  const instance = await DuckDBInstance.create(':memory:', { autoinstall_known_extensions: 'false', threads: '1' })
  const connection = await instance.connect()
  const found = new Map<string, string>()
  try {
    for (const [index, { name }] of objects.entries()) {
      const file = `read_parquet('${(paths[index] as string).replaceAll("'", "''")}', hive_partitioning = false)`
      await connection
        .run(`SELECT count(COLUMNS(*)) FROM ${file}`)
        .catch((error) => found.set(name, describeError(error).split('\n')[0] as string))
    }
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
  return found
}

/** Whether an error of DuckDB may be the fault of a file rather than of the statement. */
export function mayBeUnreadable(error: unknown): boolean {
  if (isSpanledgerError(error)) return false
  return !/^(?:Binder|Parser|Catalog|Permission|Not implemented|Conversion|Out of Memory|Out of Range) Error/i.test(
    describeError(error),
  )
}
