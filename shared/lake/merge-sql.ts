import { LAKE_COLUMNS } from '../spans/columns.ts'
import { correctedSql } from './corrected-sql.ts'
import { END_TIME_SQL } from './end-time-sql.ts'

/** Range number `range` of `ranges` equal ones, by the first four digits of the trace id. */
export function rangeSql(range: number, ranges: number): string {
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
export function losersSql(source: string): string {
  const key = 'ProjectId, TraceId, SpanId'
  return `
    CREATE OR REPLACE TEMP TABLE losers AS
    WITH twice AS (SELECT ${key} FROM ${source} GROUP BY ${key} HAVING count(*) > 1)
    SELECT filename, file_row_number FROM ${source} SEMI JOIN twice USING (${key})
    QUALIFY row_number() OVER (
      PARTITION BY ${key} ORDER BY ${END_TIME_SQL} DESC, Digest DESC, filename DESC, file_row_number DESC) > 1`
}

/** The rows that stay. `repeated` says whether there are losers: to look for them costs a twentieth of the whole. */
export function rowsSql(
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

/** `text` as a literal of SQL. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
