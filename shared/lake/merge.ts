import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { SpanledgerError } from '../errors.ts'
import { LAKE_COLUMNS } from '../spans/columns.ts'
import { correctedSql } from './corrected-sql.ts'
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
  readonly corrections: readonly MergeInput[]
  /** An empty file that has all columns: those that older files lack are filled in. */
  readonly template: Uint8Array
}

/** Merges Parquet files by DuckDB, in bounded memory: it sorts on disk. See `LakeFormat.merge`. */
export async function mergeParquet(inputs: readonly MergeInput[], options: MergeOptions): Promise<MergedFiles> {
  const directory = await mkdtemp(join(options.scratch ?? tmpdir(), 'spanledger-merge-'))
  const close = () => rm(directory, { recursive: true, force: true })
  try {
    await writeFile(join(directory, 'template.parquet'), options.template)
    const fetch = async (files: readonly MergeInput[], kind: string) => {
      const names = new Map<string, string>()
      for (const [index, file] of files.entries()) {
        const path = join(directory, `${kind}_${String(index).padStart(6, '0')}.parquet`)
        names.set(path, file.name)
        await writeFile(path, await file.read())
      }
      return names
    }
    const files = { rows: await fetch(inputs, 'input'), corrections: await fetch(options.corrections, 'correction') }
    const rows = await merge(directory, files, options)
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
  files: { readonly rows: ReadonlyMap<string, string>; readonly corrections: ReadonlyMap<string, string> },
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
  const read = (paths: Iterable<string>) => {
    const list = [join(directory, 'template.parquet'), ...paths].map(literal).join(', ')
    return `read_parquet([${list}], union_by_name = true, hive_partitioning = false, filename = true, file_row_number = true)`
  }
  const source = read(files.rows.keys())
  const output = join(directory, 'output')
  try {
    await connection.run(losersSql(source))
    await connection.run(
      `COPY (${rowsSql(source, drop, files.corrections.size > 0 && read(files.corrections.keys()))}) TO ${literal(output)} (FORMAT parquet, COMPRESSION ${codec}, ${
        codec === 'zstd' ? 'COMPRESSION_LEVEL 6, ' : ''
      }ROW_GROUP_SIZE ${ROW_GROUP_ROWS}, ROW_GROUP_SIZE_BYTES ${ROW_GROUP_BYTES}, FILE_SIZE_BYTES ${fileBytes})`,
    )
    const counted = await connection.runAndReadAll(
      `SELECT ProjectId, count(*) FROM read_parquet(${literal(join(output, '*.parquet'))}) GROUP BY 1`,
    )
    return new Map(counted.getRows().map(([project, count]) => [String(project), Number(count)]))
  } catch (cause) {
    throw (
      (await findCorrupt(connection, new Map([...files.rows, ...files.corrections]))) ??
      new SpanledgerError('lake/unavailable', 'merging failed', { cause })
    )
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
function rowsSql(source: string, drop: ReadonlySet<string>, corrections: string | false): string {
  const texts = LAKE_COLUMNS.filter(({ type, nullable }) => type === 'string' && !nullable)
  const filled = texts.map(({ lake }) => `coalesce("${lake}", '') AS "${lake}"`).join(', ')
  const kept = drop.size === 0 ? '' : `WHERE ProjectId NOT IN (${[...drop].map(literal).join(', ')})`
  const rows = `
    SELECT * EXCLUDE (filename, file_row_number) REPLACE (${filled})
    FROM ${source} ANTI JOIN losers USING (filename, file_row_number) ${kept}`
  const corrected = corrections === false ? rows : correctedSql(rows, `SELECT * FROM ${corrections}`)
  return `${corrected} ORDER BY TraceId, "Timestamp", SpanId`
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
