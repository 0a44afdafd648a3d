import { COMPOSITE_OPERATIONS } from '../genai/operations.ts'
import { LAKE_COLUMNS } from '../spans/columns.ts'
import { correctedSql } from './corrected-sql.ts'
import { END_TIME_SQL } from './end-time-sql.ts'

/** A view over the lake, as SQL of DuckDB. */
export interface LakeView {
  readonly name: string
  readonly description: string
  readonly sql: string
}

/** Paths of the files that the views read. */
export interface ViewFiles {
  readonly spans: readonly string[]
  /** Ledgers that hold instead of those of spans. */
  readonly corrections: readonly string[]
  readonly quarantine: readonly string[]
  /** An empty file of the lake: it gives the columns where there is no other. */
  readonly template: string
}

/**
 * The views that make the lake ready to query, over exactly these files. Types of `dt` and `hr` are given, since DuckDB's guess of
 * `hr` depends on which hours are there.
 */
export function lakeViews({ spans: paths, corrections, quarantine, template }: ViewFiles): LakeView[] {
  const columns = LAKE_COLUMNS.map(({ lake }) => `"${lake}"`).join(', ')
  const read = (files: readonly string[]) => `SELECT * FROM read_parquet([${files.map(quote).join(', ')}],
    union_by_name = true, hive_partitioning = true, hive_types = {'dt': DATE, 'hr': INTEGER})`
  const rowsOf = (files: readonly string[]) =>
    files.length === 0
      ? `SELECT ${columns}, NULL::DATE AS dt, NULL::INTEGER AS hr FROM read_parquet(${quote(template)})`
      : read(files)
  const withEnds = (rows: string) => `SELECT * REPLACE (${END_TIME_SQL} AS EndTimestamp) FROM (${rows})`
  const rows = rowsOf(paths)
  const spans = corrections.length === 0 ? rows : correctedSql(rows, read(corrections))
  const composite = COMPOSITE_OPERATIONS.map(quote).join(', ')
  const isCall = `(GenAiOperation <> '' OR GenAiModel <> '') AND GenAiOperation NOT IN (${composite})`
  return [
    {
      name: 'spans',
      description: 'every span of every message',
      sql: withEnds(spans),
    },
    {
      name: 'spans_unique',
      description: 'every span once, also where its hour is not compacted yet',
      sql: `SELECT * FROM spans QUALIFY row_number() OVER (
              PARTITION BY ProjectId, TraceId, SpanId ORDER BY EndTimestamp DESC, Digest DESC) = 1`,
    },
    {
      name: 'llm_calls',
      description: 'spans that call a model, each once; agents and tools, which contain such calls, left out',
      sql: `SELECT * FROM spans_unique WHERE ${isCall} AND CostStatus <> 'rollup'`,
    },
    {
      name: 'daily_costs',
      description: 'tokens and exact cost by project, day, provider and model',
      sql: `SELECT ProjectId, dt, GenAiProvider, GenAiModel, count(*) FILTER (WHERE ${isCall}) AS calls,
              count(*) FILTER (WHERE StatusCode = 'ERROR' AND ${isCall}) AS errors,
              sum(InputTokens) AS input_tokens, sum(OutputTokens) AS output_tokens,
              sum(CostPicoUsd) AS cost_pico_usd, sum(CostPicoUsd)::DOUBLE / 1e12 AS cost_usd,
              count(*) FILTER (WHERE CostStatus IN ('unpriced', 'ambiguous')) AS unknown_costs
            FROM spans_unique WHERE (GenAiModel <> '' OR CostStatus <> 'no_usage') AND CostStatus <> 'rollup' GROUP BY ALL`,
    },
    {
      name: 'errors',
      description: 'spans that failed, each once',
      sql: `SELECT * FROM spans_unique WHERE StatusCode = 'ERROR'`,
    },
    {
      name: 'quarantine',
      description: 'spans set aside, whatever the range: they start too long before or after they came',
      sql: withEnds(rowsOf(quarantine)),
    },
  ]
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
