import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { describeError, SpanledgerError } from '../errors.ts'
import type { LakeMerger, MergedFiles, MergeInput, MergeScope } from './format.ts'
import { literal, losersSql, rowsSql } from './merge-sql.ts'
import type { Codec } from './parquet/compression.ts'
import { repackFiles } from './parquet/repack.ts'
import { openScratch } from './scratch.ts'
import { consumeSorted } from './sorted-files.ts'
import { SORTED_BY, TIMESTAMPS } from './span-file.ts'

/** So many rows make a group of a merged file: a trace by id reads one group, or two. */
const ROW_GROUP_ROWS = 8192
/** A column of a row group with more distinct values is plain: to number them takes time, and with the numbers it is larger. */
const DICTIONARY_VALUES = 500
const ROW_GROUP_BYTES = 64 * 1024 * 1024
/** The columns of random hex digits. */
const HEX_IDS = new Set(['TraceId', 'SpanId', 'ParentSpanId'])
const DEFAULT_MEMORY = 512 * 1024 * 1024
/** A merged file is closed once it is larger; with the row group that makes it so, it stays below 256 MB. */
const DEFAULT_FILE_BYTES = 128 * 1024 * 1024
/** More than this is compressed between sorting and compressing for good, since in the cloud it lies in memory. */
const DEFAULT_PLAIN_BYTES = 256 * 1024 * 1024

export interface MergeOptions {
  readonly codec: Codec
  readonly scratch?: string
  readonly memory?: number
  readonly fileBytes?: number
  readonly plainBytes?: number
  /** An empty file that has all columns: those that older files lack are filled in. */
  readonly template: Uint8Array
}

/** Merges Parquet files by DuckDB, in bounded memory: it sorts on disk. */
export function openParquetMerger(options: MergeOptions): LakeMerger {
  let engine: Engine | undefined
  let merges = 0
  const close = async () => {
    const closing = engine
    engine = undefined
    await closing?.close()
  }
  return {
    async merge(inputs, scope) {
      engine ??= await openEngine(options)
      const directory = join(engine.path, `merge_${merges++}`)
      try {
        return await mergeFiles(inputs, { ...options, ...scope, ...engine, directory })
      } catch (error) {
        // A DuckDB that failed within itself refuses all that follows.
        await close()
        throw error
      }
    },
    close,
  }
}

/** A DuckDB and a directory on disk. What it has of memory it keeps: to get it anew for each merge takes a tenth of the time. */
interface Engine {
  readonly path: string
  /** Where the file lies that has all columns. */
  readonly templatePath: string
  readonly connection: DuckDBConnection
  close(): Promise<void>
}

async function openEngine({ scratch = tmpdir(), memory = DEFAULT_MEMORY, template }: MergeOptions): Promise<Engine> {
  const { DuckDBInstance } = await import('@duckdb/node-api')
  const { path, close } = await openScratch(scratch, 'spanledger-merge')
  try {
    const templatePath = join(path, 'template.parquet')
    await writeFile(templatePath, template)
    const instance = await DuckDBInstance.create(':memory:', {
      memory_limit: `${memory}B`,
      temp_directory: join(path, 'spill'),
      autoinstall_known_extensions: 'false',
      preserve_insertion_order: 'false',
      // More would need memory each, and the other core has spans to take in.
      threads: '1',
    })
    const connection = await instance.connect()
    // Inputs are read twice, and reading all their footers again costs a tenth of the whole. Their columns are not.
    await connection.run('SET parquet_metadata_cache = true')
    await connection.run('SET enable_external_file_cache = false')
    const end = async () => {
      connection.closeSync()
      instance.closeSync()
      await close()
    }
    return { path, templatePath, connection, close: end }
  } catch (error) {
    await close()
    throw error
  }
}

interface MergeTask extends MergeOptions, MergeScope, Pick<Engine, 'connection' | 'templatePath'> {
  /** Of its own; it is there until the merged files are closed. */
  readonly directory: string
}

async function mergeFiles(inputs: readonly MergeInput[], task: MergeTask): Promise<MergedFiles> {
  const { directory, connection } = task
  await mkdir(directory)
  const rows = await fetchFiles(inputs, join(directory, 'input'))
  const corrections = await fetchFiles(task.corrections, join(directory, 'correction'))
  try {
    const paths = await sortFiles({ rows: [...rows.keys()], corrections: [...corrections.keys()] }, task)
    return {
      parts: paths.map((path) => () => readFile(path)),
      rows: await countRows(connection, paths),
      close: () => rm(directory, { recursive: true, force: true }),
    }
  } catch (cause) {
    throw (
      (await findCorrupt(connection, new Map([...rows, ...corrections]))) ??
      new SpanledgerError('lake/unavailable', `merging failed: ${describeError(cause)}`, { cause })
    )
  }
}

/** The names of `files` by the paths at which they are now. */
async function fetchFiles(files: readonly MergeInput[], path: string): Promise<Map<string, string>> {
  const names = new Map<string, string>()
  for (const [index, file] of files.entries()) {
    const local = `${path}_${String(index).padStart(6, '0')}.parquet`
    names.set(local, file.name)
    await writeFile(local, await file.read())
  }
  return names
}

/** Writes the rows that stay, in order, quickly, and each column compressed as suits it as soon as they are there. Returns the files. */
async function sortFiles(
  files: { readonly rows: readonly string[]; readonly corrections: readonly string[] },
  { connection, directory, templatePath, drop, ...options }: MergeTask,
): Promise<string[]> {
  const { plainBytes = DEFAULT_PLAIN_BYTES, fileBytes = DEFAULT_FILE_BYTES, codec } = options
  const read = (paths: readonly string[]) =>
    `read_parquet([${[templatePath, ...paths].map(literal).join(', ')}],
      union_by_name = true, hive_partitioning = false, filename = true, file_row_number = true)`
  const source = read(files.rows)
  await connection.run(losersSql(source))
  const losers = await connection.runAndReadAll('SELECT count(*)::INT FROM losers')
  const rows = rowsSql(source, {
    drop,
    repeated: losers.getRows()[0]?.[0] !== 0,
    corrections: files.corrections.length > 0 && read(files.corrections),
  })
  const compression =
    (await plainSize(connection, files.rows)) > plainBytes ? 'zstd, COMPRESSION_LEVEL 1' : 'uncompressed'
  return consumeSorted(
    directory,
    (range, output) =>
      connection.run(
        `COPY (SELECT * FROM (${rows}) WHERE ${range} ORDER BY TraceId, "Timestamp", SpanId) TO ${literal(output)}
         (FORMAT parquet, COMPRESSION ${compression}, ROW_GROUP_SIZE ${ROW_GROUP_ROWS}, ROW_GROUP_SIZE_BYTES ${ROW_GROUP_BYTES},
          ROW_GROUPS_PER_FILE 1, DICTIONARY_SIZE_LIMIT ${DICTIONARY_VALUES}, WRITE_BLOOM_FILTER false)`,
      ),
    (sorted, output) =>
      repackFiles(sorted, {
        codec,
        fileBytes,
        directory: output,
        timestamps: TIMESTAMPS,
        sortedBy: SORTED_BY,
        ids: HEX_IDS,
      }),
  )
}

/** Rows of the files at `paths`, by project. */
async function countRows(connection: DuckDBConnection, paths: readonly string[]): Promise<Map<string, number>> {
  if (paths.length === 0) return new Map()
  const counted = await connection.runAndReadAll(
    `SELECT ProjectId, count(*) FROM read_parquet([${paths.map(literal).join(', ')}]) GROUP BY 1`,
  )
  return new Map((counted.getRows() as [string, bigint][]).map(([project, count]) => [project, Number(count)]))
}

/** Bytes of the columns of the files at `paths`, not compressed. */
async function plainSize(connection: DuckDBConnection, paths: readonly string[]): Promise<number> {
  const list = paths.map(literal).join(', ')
  const size = await connection.runAndReadAll(
    `SELECT coalesce(sum(total_uncompressed_size), 0)::DOUBLE FROM parquet_metadata([${list}])`,
  )
  return size.getRows()[0]?.[0] as number
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
