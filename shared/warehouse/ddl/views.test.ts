import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, expect, test } from 'vitest'
import { buildChat } from '../../../test/support/span.ts'
import { openDirectoryStore } from '../../lake/directory-store.ts'
import { queryLake } from '../../lake/lake-sql.ts'
import { createParquetFormat } from '../../lake/parquet-format.ts'
import { openDirectoryLake } from '../../lake/readable-lake.ts'
import { createLakeWriter } from '../../lake/writer.ts'
import { loadCatalogue } from '../../pricing/catalogue.ts'
import { createPricer } from '../../pricing/pricer.ts'
import type { AttributeValue } from '../../spans/attributes.ts'
import { openDuckDbStore } from '../duckdb-store.ts'
import { openSqliteStore } from '../sqlite-store.ts'
import type { TraceStore } from '../trace-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'views-'))
afterAll(() => rmSync(folder, { recursive: true }))

const pricer = createPricer({ catalogue: await loadCatalogue() })
const span = (
  spanId: string,
  parentSpanId: string,
  operation: string,
  usage: Record<string, number>,
  attributes: Record<string, AttributeValue> = {},
) =>
  buildChat('gpt-4o', usage, {
    ...{ spanId, ...(parentSpanId !== '' && { parentSpanId }) },
    attributes: { 'gen_ai.provider.name': 'openai', 'gen_ai.operation.name': operation, ...attributes },
  })
/** Two calls, below an agent that repeats one and a half of them, in a workflow that names its model and uses nothing. */
const spans = [
  span('1', '', 'invoke_workflow', {}),
  { ...span('2', '1', 'invoke_agent', { input_tokens: 150 }), statusCode: 'ERROR' as const },
  span('3', '2', 'invoke_agent', { input_tokens: 100 }),
  span('4', '3', 'chat', { input_tokens: 100 }),
  { ...span('5', '1', 'chat', { input_tokens: 7 }), statusCode: 'ERROR' as const },
  span('6', '1', 'execute_tool', {}),
  span('7', '1', 'chat', { input_tokens: 9 }, { 'gen_ai.request.model': '' }),
]
const ledgers = pricer.price(spans, { project: 'p' })
const batch = {
  context: { project: 'p', digest: 'd', ingestedAt: spans[0]!.startTimeUnixNano },
  spans: spans.map((each, index) => ({ span: each, ledger: ledgers[index]! })),
}

const MODEL_COSTS = `SELECT gen_ai_provider, gen_ai_model, calls, errors, input_tokens, cost_pico_usd, unknown_costs
  FROM model_costs ORDER BY gen_ai_model`
const DAILY_COSTS = MODEL_COSTS.replace('model_costs', 'daily_costs')
/** Three calls: neither the agents, whatever they bill, nor workflow and tool, which name the model too. */
const EXPECTED = [
  ['openai', '', '1', '0', '9', null, '1'],
  ['openai', 'gpt-4o', '2', '1', '157', '392500000', '0'],
]

const asText = (rows: readonly (readonly unknown[])[]) =>
  rows.map((row) => row.map((value) => (value === null ? null : String(value))))

async function writeTo(store: TraceStore) {
  await store.write([batch])
  const rows = await store.usage({ filter: { project: 'p' }, groupBy: ['provider', 'model'], maxRows: 9 })
  await store.close()
  return asText(
    rows
      .toSorted((a, b) => (a.group[1]! < b.group[1]! ? -1 : 1))
      .map((row) => [...row.group, row.calls, row.usage.inputTokens, row.costPicoUsd, row.unknownCostCount]),
  )
}
/** The reader tells failed spans from failed calls by its `spans`; a view has calls alone. */
const withoutErrors = EXPECTED.map(([provider, model, calls, , ...rest]) => [provider, model, calls, ...rest])

test('the cost views count calls of models and not spans that name one, as the reader does: SQLite', async () => {
  const path = join(folder, 'views.sqlite')
  expect(await writeTo(await openSqliteStore({ path }))).toStrictEqual(withoutErrors)
  const database = new DatabaseSync(path)
  for (const query of [MODEL_COSTS, DAILY_COSTS])
    expect(asText(database.prepare(query).all().map(Object.values))).toStrictEqual(EXPECTED)
  database.close()
})

test('the cost views count calls of models and not spans that name one, as the reader does: DuckDB', async () => {
  const path = join(folder, 'views.duckdb')
  expect(await writeTo(await openDuckDbStore({ path }))).toStrictEqual(withoutErrors)
  const instance = await DuckDBInstance.create(path)
  const connection = await instance.connect()
  for (const query of [MODEL_COSTS, DAILY_COSTS])
    expect(asText((await connection.runAndReadAll(query)).getRows())).toStrictEqual(EXPECTED)
  connection.closeSync()
  instance.closeSync()
})

test('the cost views count calls of models and not spans that name one, as the reader does: the lake', async () => {
  const root = join(folder, 'lake')
  await createLakeWriter({ store: openDirectoryStore(root), format: createParquetFormat() }).write([batch])
  const query = `SELECT GenAiProvider, GenAiModel, calls, errors, input_tokens, cost_pico_usd, unknown_costs
    FROM daily_costs ORDER BY GenAiModel`
  const { rows } = await queryLake(query, { lake: openDirectoryLake(root) })
  expect(asText(rows)).toStrictEqual(EXPECTED)
})
