import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { SpanledgerError } from '../errors.ts'
import { LAKE_COLUMNS } from '../spans/columns.ts'
import type { MergedFiles, MergeInput } from './format.ts'
import type { Codec } from './parquet/column-chunk.ts'

/** So many rows make a group of a merged file: a trace by id reads one group, or two. */
const ROW_GROUP_ROWS = 8192
const ROW_GROUP_BYTES = 64 * 1024 * 1024
/** A merged file is closed once it is larger; with the row group that makes it so, it stays below 256 MB. */
const DEFAULT_FILE_BYTES = 128 * 1024 * 1024

export interface MergeOptions {
  readonly codec: Codec
  readonly scratch?: string
  readonly memory?: number
  readonly fileBytes?: number
  /** Projects whose rows are left out. */
  readonly drop: ReadonlySet<string>
  /** An empty file that has all columns: those that older files lack are filled in. */
  readonly template: Uint8Array
}

/** Merges Parquet files by DuckDB, in bounded memory: it sorts on disk. See `LakeFormat.merge`. */
export async function mergeParquet(inputs: readonly MergeInput[], options: MergeOptions): Promise<MergedFiles> {
  const directory = await mkdtemp(join(options.scratch ?? tmpdir(), 'spanledger-merge-'))
  const close = () => rm(directory, { recursive: true, force: true })
  try {
    await writeFile(join(directory, 'template.parquet'), options.template)
    const names = new Map<string, string>()
    for (const [index, input] of inputs.entries()) {
      const path = join(directory, `input_${String(index).padStart(6, '0')}.parquet`)
      names.set(path, input.name)
      await writeFile(path, await input.read())
    }
    const rows = await merge(directory, names, options)
    const output = join(directory, 'output')
    const parts = (await readdir(output)).sort(byNumber).map((part) => () => readFile(join(output, part)))
    return { parts, rows, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** `data_10.parquet` comes after `data_9.parquet`. */
function byNumber(a: string, b: string): number {
  return Number(/\d+/.exec(a)?.[0] ?? 0) - Number(/\d+/.exec(b)?.[0] ?? 0)
}

async function merge(
  directory: string,
  names: ReadonlyMap<string, string>,
  { codec, memory = 512 * 1024 * 1024, fileBytes = DEFAULT_FILE_BYTES, drop }: MergeOptions,
): Promise<ReadonlyMap<string, number>> {
  const { DuckDBInstance } = await import('@duckdb/node-api')
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: `${memory}B`,
    temp_directory: join(directory, 'spill'),
    autoinstall_known_extensions: 'false',
    preserve_insertion_order: 'false',
    // More would need memory each, and the other core has spans to take in.
    threads: '1',
  })
  const connection = await instance.connect()
  const paths = [join(directory, 'template.parquet'), ...names.keys()].map(literal).join(', ')
  const source = `read_parquet([${paths}], union_by_name = true, hive_partitioning = false, filename = true, file_row_number = true)`
  const output = join(directory, 'output')
  try {
    await connection.run(losersSql(source))
    await connection.run(
      `COPY (${rowsSql(source, drop)}) TO ${literal(output)} (FORMAT parquet, COMPRESSION ${codec}, ${
        codec === 'zstd' ? 'COMPRESSION_LEVEL 6, ' : ''
      }ROW_GROUP_SIZE ${ROW_GROUP_ROWS}, ROW_GROUP_SIZE_BYTES ${ROW_GROUP_BYTES}, FILE_SIZE_BYTES ${fileBytes})`,
    )
    const counted = await connection.runAndReadAll(
      `SELECT ProjectId, count(*) FROM read_parquet(${literal(join(output, '*.parquet'))}) GROUP BY 1`,
    )
    return new Map(counted.getRows().map(([project, count]) => [String(project), Number(count)]))
  } catch (cause) {
    throw (await findCorrupt(connection, names)) ?? new SpanledgerError('lake/unavailable', 'merging failed', { cause })
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

/** Rows that lose against another row of their span. Hardly any span is there twice, so its columns are read for few rows. */
function losersSql(source: string): string {
  const key = 'ProjectId, TraceId, SpanId'
  return `
    CREATE TEMP TABLE losers AS
    WITH twice AS (SELECT ${key} FROM ${source} GROUP BY ${key} HAVING count(*) > 1)
    SELECT filename, file_row_number FROM ${source} SEMI JOIN twice USING (${key})
    QUALIFY row_number() OVER (
      PARTITION BY ${key} ORDER BY EndTimestamp DESC, Digest DESC, filename DESC, file_row_number DESC) > 1`
}

/** The rows that stay, in the order of their traces. */
function rowsSql(source: string, drop: ReadonlySet<string>): string {
  const texts = LAKE_COLUMNS.filter(({ type, nullable }) => type === 'string' && !nullable)
  const filled = texts.map(({ lake }) => `coalesce("${lake}", '') AS "${lake}"`).join(', ')
  const kept = drop.size === 0 ? '' : `WHERE ProjectId NOT IN (${[...drop].map(literal).join(', ')})`
  return `
    SELECT * EXCLUDE (filename, file_row_number) REPLACE (${filled})
    FROM ${source} ANTI JOIN losers USING (filename, file_row_number)
    ${kept} ORDER BY TraceId, "Timestamp", SpanId`
}

/** Reads each input by itself to find the one that is to blame. */
async function findCorrupt(
  connection: DuckDBConnection,
  names: ReadonlyMap<string, string>,
): Promise<SpanledgerError | undefined> {
  for (const [path, name] of names) {
    try {
      await connection.run(`SELECT count(COLUMNS(*)) FROM read_parquet(${literal(path)}, hive_partitioning = false)`)
    } catch (cause) {
      return new SpanledgerError('lake/corrupt', `${name} cannot be read: move it out of the lake`, { cause })
    }
  }
  return undefined
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
