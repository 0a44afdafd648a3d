import { WAREHOUSE_COLUMNS, type WarehouseColumn } from '../../spans/columns.ts'
import { type BigQueryField, bigQuerySchema } from '../ddl/bigquery.ts'

/** The columns that a correction replaces: all that `price` finds out. */
export const LEDGER_COLUMNS: readonly WarehouseColumn[] = WAREHOUSE_COLUMNS.filter(({ warehouse }) =>
  /^(gen_ai_|cost_|ledger_|price_version$|receipt$|reported_cost|user_id$|session_id$|environment$)/.test(warehouse),
)

/**
 * The schema of `corrections`: whose ledger it is, the ledger in the columns that it replaces, and once more as text, which says
 * which of two holds.
 */
export function bigQueryCorrectionSchema(): BigQueryField[] {
  const wanted = new Set(['project_id', 'trace_id', 'span_id', ...LEDGER_COLUMNS.map(({ warehouse }) => warehouse)])
  return [
    ...bigQuerySchema().filter(({ name }) => wanted.has(name)),
    { name: 'ledger', type: 'STRING', mode: 'NULLABLE', description: 'the whole ledger, OTLP/JSON attributes' },
    { name: 'corrected_at', type: 'TIMESTAMP', mode: 'NULLABLE', description: 'when the message of it was received' },
  ]
}
