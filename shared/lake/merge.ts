import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { describeError, SpanledgerError } from '../errors.ts'
import { LAKE_COLUMNS } from '../spans/columns.ts'
import { correctedSql } from './corrected-sql.ts'
import { END_TIME_SQL } from './end-time-sql.ts'
import type { MergedFiles, MergeInput } from './format.ts'
import type { Codec } from './parquet/column-chunk.ts'

/** So many rows make a group of a merged file: a trace by id reads one group, or two. */
const ROW_GROUP_ROWS = 8192
const ROW_GROUP_BYTES = 64 * 1024 * 1024
/** Into how many ranges of trace ids a merge is cut, if memory does not suffice for fewer. */
const RANGES = [1, 16, 256]
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
    return { ...(await merge(directory, files, options)), close }
  } catch (error) {
    await close()
    throw error
  }
}

async function merge(
  directory: string,
  files: { readonly rows: ReadonlyMap<string, string>; readonly corrections: ReadonlyMap<string, string> },
  { codec, memory = 512 * 1024 * 1024, fileBytes = DEFAULT_FILE_BYTES, drop }: MergeOptions,
): Promise<Omit<MergedFiles, 'close'>> {
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
  const rows = rowsSql(source, drop, files.corrections.size > 0 && read(files.corrections.keys()))
  const level = codec === 'zstd' ? 'COMPRESSION_LEVEL 6, ' : ''
  const copy = (range: string, output: string) =>
    connection.run(
      `COPY (SELECT * FROM (${rows}) WHERE ${range} ORDER BY TraceId, "Timestamp", SpanId) TO ${literal(output)}
       (FORMAT parquet, COMPRESSION ${codec}, ${level}ROW_GROUP_SIZE ${ROW_GROUP_ROWS},
        ROW_GROUP_SIZE_BYTES ${ROW_GROUP_BYTES}, FILE_SIZE_BYTES ${fileBytes}, WRITE_BLOOM_FILTER false)`,
    )
  try {
    await connection.run(losersSql(source))
    const output = await copyInRanges(directory, copy)
    const counted = await connection.runAndReadAll(
      `SELECT filename, ProjectId, count(*) FROM read_parquet(${literal(join(output, '*', '*.parquet'))}, filename = true)
       GROUP BY ALL`,
    )
    const parts = new Set<string>()
    const counts = new Map<string, number>()
    for (const [part, project, count] of counted.getRows() as [string, string, bigint][]) {
      parts.add(part)
      counts.set(project, (counts.get(project) ?? 0) + Number(count))
    }
    return { parts: [...parts].sort(byNumbers).map((part) => () => readFile(part)), rows: counts }
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

/**
 * Sorts all rows at once, or where that takes more memory than there is, one range of trace ids after the other. Returns the directory
 * of the outputs, one directory for each range.
 */
async function copyInRanges(
  directory: string,
  copy: (range: string, output: string) => Promise<unknown>,
): Promise<string> {
  for (const ranges of RANGES) {
    const output = join(directory, `output_${ranges}`)
    await mkdir(output)
    try {
      for (let range = 0; range < ranges; range++) await copy(rangeSql(range, ranges), join(output, `range_${range}`))
      return output
    } catch (error) {
      if (!/Out of Memory/.test(describeError(error)) || ranges === RANGES.at(-1)) throw error
      await rm(output, { recursive: true, force: true })
    }
  }
  throw new SpanledgerError('lake/unavailable', 'merging needs more memory')
}

/** Range number `range` of `ranges` equal ones, by the first four digits of the trace id. */
function rangeSql(range: number, ranges: number): string {
  const bound = (index: number) =>
    literal(
      Math.floor((index * 0x10000) / ranges)
        .toString(16)
        .padStart(4, '0'),
    )
  const from = range === 0 ? 'true' : `TraceId >= ${bound(range)}`
  return range === ranges - 1 ? from : `${from} AND TraceId < ${bound(range + 1)}`
}

/** `range_2/data_10.parquet` comes after `range_2/data_9.parquet`. */
function byNumbers(a: string, b: string): number {
  const [rangeA = 0, partA = 0] = numbersOf(a)
  const [rangeB = 0, partB = 0] = numbersOf(b)
  return rangeA - rangeB || partA - partB
}

function numbersOf(path: string): number[] {
  return (/range_(\d+)\/data_(\d+)/.exec(path)?.slice(1) ?? []).map(Number)
}

/** Rows that lose against another row of their span. Hardly any span is there twice, so its columns are read for few rows. */
function losersSql(source: string): string {
  const key = 'ProjectId, TraceId, SpanId'
  return `
    CREATE TEMP TABLE losers AS
    WITH twice AS (SELECT ${key} FROM ${source} GROUP BY ${key} HAVING count(*) > 1)
    SELECT filename, file_row_number FROM ${source} SEMI JOIN twice USING (${key})
    QUALIFY row_number() OVER (
      PARTITION BY ${key} ORDER BY ${END_TIME_SQL} DESC, Digest DESC, filename DESC, file_row_number DESC) > 1`
}

/** The rows that stay. */
function rowsSql(source: string, drop: ReadonlySet<string>, corrections: string | false): string {
  const texts = LAKE_COLUMNS.filter(({ type, nullable }) => type === 'string' && !nullable)
  const filled = texts.map(({ lake }) => `coalesce("${lake}", '') AS "${lake}"`).join(', ')
  const kept = drop.size === 0 ? '' : `WHERE ProjectId NOT IN (${[...drop].map(literal).join(', ')})`
  const rows = `
    SELECT * EXCLUDE (filename, file_row_number) REPLACE (${filled})
    FROM ${source} ANTI JOIN losers USING (filename, file_row_number) ${kept}`
  const corrected = corrections === false ? rows : correctedSql(rows, `SELECT * FROM ${corrections}`)
  return corrected
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
