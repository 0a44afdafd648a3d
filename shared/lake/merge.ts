import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { describeError, SpanledgerError } from '../errors.ts'
import { LAKE_COLUMNS } from '../spans/columns.ts'
import { correctedSql } from './corrected-sql.ts'
import { END_TIME_SQL } from './end-time-sql.ts'
import type { MergedFiles, MergeInput } from './format.ts'
import type { Codec } from './parquet/compression.ts'
import { repackFiles } from './parquet/repack.ts'
import { openScratch } from './scratch.ts'
import { SORTED_BY, TIMESTAMPS } from './span-file.ts'

/** So many rows make a group of a merged file: a trace by id reads one group, or two. */
const ROW_GROUP_ROWS = 8192
const ROW_GROUP_BYTES = 64 * 1024 * 1024
/** Into how many ranges of trace ids a merge is cut, if memory does not suffice for fewer. */
const RANGES = [1, 16, 256]
/** The columns of random hex digits. */
const HEX_IDS = new Set(['TraceId', 'SpanId', 'ParentSpanId'])
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
  /** Projects whose rows are left out. */
  readonly drop: ReadonlySet<string>
  readonly corrections: readonly MergeInput[]
  /** An empty file that has all columns: those that older files lack are filled in. */
  readonly template: Uint8Array
}

/** Merges Parquet files by DuckDB, in bounded memory: it sorts on disk. See `LakeFormat.merge`. */
export async function mergeParquet(inputs: readonly MergeInput[], options: MergeOptions): Promise<MergedFiles> {
  const { path: directory, close } = await openScratch(options.scratch ?? tmpdir(), 'spanledger-merge')
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
    const { paths, rows } = await sortRows(directory, files, options)
    const { codec, fileBytes = DEFAULT_FILE_BYTES } = options
    const layout = { timestamps: TIMESTAMPS, sortedBy: SORTED_BY, ids: HEX_IDS }
    const packed = await repackFiles(paths, { ...layout, codec, directory, fileBytes })
    return { parts: packed.map((path) => () => readFile(path)), rows, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Writes the rows that stay to files, in order, quickly: each column is compressed as suits it afterwards. */
async function sortRows(
  directory: string,
  files: { readonly rows: ReadonlyMap<string, string>; readonly corrections: ReadonlyMap<string, string> },
  { memory = 512 * 1024 * 1024, plainBytes = DEFAULT_PLAIN_BYTES, drop }: MergeOptions,
): Promise<{ readonly paths: readonly string[]; readonly rows: ReadonlyMap<string, number> }> {
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
  // Inputs are read twice, and reading all their footers again costs a tenth of the whole.
  await connection.run('SET parquet_metadata_cache = true')
  const read = (paths: Iterable<string>) => {
    const list = [join(directory, 'template.parquet'), ...paths].map(literal).join(', ')
    return `read_parquet([${list}], union_by_name = true, hive_partitioning = false, filename = true, file_row_number = true)`
  }
  const source = read(files.rows.keys())
  try {
    await connection.run(losersSql(source))
    const losers = await connection.runAndReadAll('SELECT count(*)::INT FROM losers')
    const rows = rowsSql(source, {
      drop,
      repeated: losers.getRows()[0]?.[0] !== 0,
      corrections: files.corrections.size > 0 && read(files.corrections.keys()),
    })
    const codec = (await plainSize(connection, files.rows.keys())) > plainBytes ? 'zstd' : 'uncompressed'
    const paths = await inRanges(directory, (range, output) =>
      connection.run(
        `COPY (SELECT * FROM (${rows}) WHERE ${range} ORDER BY TraceId, "Timestamp", SpanId) TO ${literal(output)}
         (FORMAT parquet, COMPRESSION ${codec}${codec === 'zstd' ? ', COMPRESSION_LEVEL 1' : ''}, ROW_GROUP_SIZE ${ROW_GROUP_ROWS},
          ROW_GROUP_SIZE_BYTES ${ROW_GROUP_BYTES}, WRITE_BLOOM_FILTER false)`,
      ),
    )
    const counted = await connection.runAndReadAll(
      `SELECT ProjectId, count(*) FROM read_parquet([${paths.map(literal).join(', ')}]) GROUP BY 1`,
    )
    const counts = counted.getRows() as [string, bigint][]
    return { paths, rows: new Map(counts.map(([project, count]) => [project, Number(count)])) }
  } catch (cause) {
    throw (
      (await findCorrupt(connection, new Map([...files.rows, ...files.corrections]))) ??
      new SpanledgerError('lake/unavailable', `merging failed: ${describeError(cause)}`, { cause })
    )
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

/**
 * Sorts all rows at once, or where that takes more memory than there is, one range of trace ids after the other. Returns the paths of
 * the outputs, one for each range.
 */
async function inRanges(
  directory: string,
  copy: (range: string, output: string) => Promise<unknown>,
): Promise<string[]> {
  for (const ranges of RANGES) {
    const output = join(directory, `output_${ranges}`)
    await mkdir(output)
    try {
      const paths: string[] = []
      for (let range = 0; range < ranges; range++) {
        const path = join(output, `range_${range}.parquet`)
        await copy(rangeSql(range, ranges), path)
        paths.push(path)
      }
      return paths
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

/** The rows that stay. `repeated` says whether there are losers: to look for them costs a twentieth of the whole. */
function rowsSql(
  source: string,
  {
    drop,
    repeated,
    corrections,
  }: { readonly drop: ReadonlySet<string>; readonly repeated: boolean; readonly corrections: string | false },
): string {
  const texts = LAKE_COLUMNS.filter(({ type, nullable }) => type === 'string' && !nullable)
  const filled = texts.map(({ lake }) => `coalesce("${lake}", '') AS "${lake}"`).join(', ')
  const kept = drop.size === 0 ? '' : `WHERE ProjectId NOT IN (${[...drop].map(literal).join(', ')})`
  const rows = `
    SELECT * EXCLUDE (filename, file_row_number) REPLACE (${filled})
    FROM ${source} ${repeated ? 'ANTI JOIN losers USING (filename, file_row_number)' : ''} ${kept}`
  return corrections === false ? rows : correctedSql(rows, `SELECT * FROM ${corrections}`)
}

/** Bytes of the columns of the files at `paths`, not compressed. */
async function plainSize(connection: DuckDBConnection, paths: Iterable<string>): Promise<number> {
  const list = [...paths].map(literal).join(', ')
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

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
