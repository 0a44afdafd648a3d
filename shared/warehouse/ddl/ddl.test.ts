import { expect, test } from 'vitest'
import { bigQueryBatchSchema, bigQuerySchema, bigQueryViews } from './bigquery.ts'
import { duckDbDdl, duckDbViews } from './duckdb.ts'
import { sqliteDdl, sqliteViews } from './sqlite.ts'

const statements = (list: readonly string[]) => `${list.join(';\n\n')};\n`

test('DuckDB gets these tables and views', async () => {
  await expect(statements([...duckDbDdl(), ...duckDbViews()])).toMatchFileSnapshot('golden/duckdb.sql')
})

test('SQLite gets these tables and views', async () => {
  await expect(statements([...sqliteDdl(), ...sqliteViews()])).toMatchFileSnapshot('golden/sqlite.sql')
})

test('BigQuery gets this schema and these views', async () => {
  const schema = { spans: bigQuerySchema(), batches: bigQueryBatchSchema() }
  await expect(`${JSON.stringify(schema, null, 2)}\n`).toMatchFileSnapshot('golden/bigquery.json')
  const views = bigQueryViews('my-project.spanledger').map(({ name, select }) => `-- ${name}\n${select}`)
  await expect(statements(views)).toMatchFileSnapshot('golden/bigquery.sql')
})

test('a dataset that is none is refused', () => {
  expect(() => bigQueryViews('p.d`; DROP TABLE x')).toThrow(TypeError)
})
