/** A column of a table that a store keeps beside the schema's own. */
export interface TableColumn {
  readonly name: string
  readonly type: string
}

/** Every batch once, with what became of its spans: what makes a redelivery change nothing. */
export function batchColumns(text: string, integer: string, time: string): TableColumn[] {
  return [
    { name: 'digest', type: text },
    { name: 'project_id', type: text },
    { name: 'spans', type: integer },
    { name: 'stored', type: integer },
    { name: 'duplicates', type: integer },
    { name: 'ingested_at', type: time },
  ]
}

/** The ledgers that hold instead of those that spans were first priced with; a span may still be on its way. */
export function correctionColumns(text: string, integer: string): TableColumn[] {
  return [
    { name: 'project_id', type: text },
    { name: 'trace_id', type: text },
    { name: 'span_id', type: text },
    { name: 'revision', type: integer },
    { name: 'ledger', type: text },
  ]
}

/** `CREATE TABLE IF NOT EXISTS …`. */
export function createTable(table: string, columns: readonly TableColumn[]): string {
  const lines = columns.map(({ name, type }) => `  ${name} ${type}`)
  return `CREATE TABLE IF NOT EXISTS ${table} (\n${lines.join(',\n')}\n)`
}

/** One `ALTER TABLE … ADD COLUMN` for each column that a table of an older schema lacks: they go to the end. */
export function addColumns(table: string, columns: readonly TableColumn[], existing: ReadonlySet<string>): string[] {
  return columns
    .filter(({ name }) => !existing.has(name))
    .map(({ name, type }) => `ALTER TABLE ${table} ADD COLUMN ${name} ${type}`)
}
