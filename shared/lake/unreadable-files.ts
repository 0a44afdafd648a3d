import '../duckdb-text.ts'
import { describeError, isSpanledgerError } from '../errors.ts'

/** What a query or a rebuild had to leave out, with the reason, by path. */
export type UnreadableFiles = ReadonlyMap<string, string>

/** Reads each file by itself, every value, to find those that are to blame for an error. */
export async function findUnreadable(paths: readonly string[]): Promise<UnreadableFiles> {
  const { DuckDBInstance } = await import('@duckdb/node-api')
  const instance = await DuckDBInstance.create(':memory:', { autoinstall_known_extensions: 'false', threads: '1' })
  const connection = await instance.connect()
  const found = new Map<string, string>()
  try {
    for (const path of paths) {
      const file = `read_parquet('${path.replaceAll("'", "''")}', hive_partitioning = false)`
      await connection
        .run(`SELECT count(COLUMNS(*)) FROM ${file}`)
        .catch((error) => found.set(path, describeError(error).split('\n')[0] as string))
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
