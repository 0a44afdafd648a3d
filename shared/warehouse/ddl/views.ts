import { COMPOSITE_OPERATIONS } from '../../genai/operations.ts'
import { WAREHOUSE_COLUMNS } from '../../spans/columns.ts'

/** What the views need to know of a store's SQL. */
export interface ViewSyntax {
  /** How a table or view is named in a statement. */
  readonly table: (name: string) => string
  /** The UTC day of `start_time`. */
  readonly day: string
  /** A sum of integers that does not overflow. */
  readonly sum: (integer: string) => string
  /** The same in 1e-12 USD, as USD. */
  readonly usd: (integer: string) => string
  /** How many rows meet a condition. */
  readonly countIf: (condition: string) => string
  /** Columns of this store's own that `spans_unique` shows after those of the schema. */
  readonly extraColumns?: readonly string[]
  /** What follows `SELECT … FROM spans` so that each span is there once. */
  readonly unique: string
}

/** The views of every warehouse, ready to query: name and `SELECT`. A later one may read an earlier one. */
export function views(syntax: ViewSyntax): { readonly name: string; readonly select: string }[] {
  const columns = [...WAREHOUSE_COLUMNS.map((column) => column.warehouse), ...(syntax.extraColumns ?? [])].join(', ')
  return [
    { name: 'spans_unique', select: `SELECT ${columns}\nFROM ${syntax.table('spans')}${syntax.unique}` },
    { name: 'daily_costs', select: costs(syntax, [`${syntax.day} AS day`], []) },
    {
      name: 'model_costs',
      select: costs(syntax, [], ['min(start_time) AS first_seen', 'max(start_time) AS last_seen']),
    },
  ]
}

/** Whether a span calls a model: agents and tools contain such calls, and would be counted with them. */
const IS_CALL = `(gen_ai_operation <> '' OR gen_ai_model <> '')
    AND gen_ai_operation NOT IN (${COMPOSITE_OPERATIONS.map((operation) => `'${operation}'`).join(', ')})`

/**
 * Costs by project, model and what else, of all spans that have any; rollups repeat what is already counted. A model that
 * nobody named is there with its tokens.
 */
function costs({ table, sum, usd, countIf }: ViewSyntax, by: readonly string[], aggregates: readonly string[]): string {
  const keys = ['project_id', ...by, 'gen_ai_provider', 'gen_ai_model']
  const columns = [
    ...keys,
    ...aggregates,
    `${countIf(IS_CALL)} AS calls`,
    `${countIf(`status = 'ERROR' AND ${IS_CALL}`)} AS errors`,
    `${sum('gen_ai_input_tokens')} AS input_tokens`,
    `${sum('gen_ai_output_tokens')} AS output_tokens`,
    `${sum('cost_pico_usd')} AS cost_pico_usd`,
    `${usd('cost_pico_usd')} AS cost_usd`,
    `${countIf("cost_status IN ('unpriced', 'ambiguous')")} AS unknown_costs`,
  ]
  const positions = keys.map((_, index) => index + 1).join(', ')
  return `SELECT ${columns.join(',\n  ')}
FROM ${table('spans_unique')}
WHERE (gen_ai_model <> '' OR cost_status <> 'no_usage') AND cost_status <> 'rollup'
GROUP BY ${positions}`
}
