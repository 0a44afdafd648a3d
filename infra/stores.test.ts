import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { WAREHOUSE_COLUMNS } from '../shared/spans/columns.ts'
import { bigQuerySchema } from '../shared/warehouse/ddl/bigquery.ts'
import { all, EVERYTHING, type Fields, type Synthesised, synthesise } from './stack.fixture.ts'
import { UNINDEXED } from './storage.ts'

const plain = synthesise()

describe('stores', () => {
  const table = (id: string) => all(plain, 'google_bigquery_table').find(({ table_id }) => table_id === id)!

  test('the BigQuery table has the columns of the one schema, in its order, none of them required', () => {
    const schema = JSON.parse(table('spans').schema as string) as Fields[]
    expect(schema).toStrictEqual(JSON.parse(JSON.stringify(bigQuerySchema())))
    const names = schema.map(({ name }) => name)
    expect(names.slice(0, WAREHOUSE_COLUMNS.length)).toStrictEqual(WAREHOUSE_COLUMNS.map(({ warehouse }) => warehouse))
    expect(schema.filter(({ mode }) => mode === 'REQUIRED')).toStrictEqual([])
    expect(table('spans')).toMatchObject({
      time_partitioning: { type: 'DAY', field: 'start_time' },
      clustering: ['project_id', 'trace_id'],
    })
  })

  test('views are there, and each is made after what it reads', () => {
    for (const name of ['spans_unique', 'daily_costs', 'model_costs']) {
      expect(table(name).view).toMatchObject({ use_legacy_sql: false })
    }
    expect((table('daily_costs').view as Fields).query).toContain('`my-project.ledger.spans_unique`')
    expect(table('daily_costs').depends_on).toContain('google_bigquery_table.view-spans_unique')
  })

  test('the lake is a table whose partitions have types', () => {
    const external = table('lake_spans').external_data_configuration as Fields
    expect(external).toMatchObject({
      source_format: 'PARQUET',
      autodetect: false,
      parquet_options: { enable_list_inference: true },
    })
    expect((external.hive_partitioning_options as Fields).mode).toBe('CUSTOM')
    expect((external.hive_partitioning_options as Fields).source_uri_prefix).toMatch(
      /\/traces\/\{dt:DATE\}\/\{hr:INTEGER\}$/,
    )
    const names = (JSON.parse(external.schema as string) as Fields[]).map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(['TraceId', 'SpanAttributes', 'CostPicoUsd', 'Timestamp']))
    expect(names.filter((name) => !/^\w+$/.test(String(name)))).toStrictEqual([])
  })

  test('buckets cannot be made public', () => {
    for (const bucket of all(plain, 'google_storage_bucket'))
      expect(bucket).toMatchObject({ uniform_bucket_level_access: true, public_access_prevention: 'enforced' })
  })

  test('data is protected unless told otherwise', () => {
    const protection = (from: Synthesised) => ({
      spans: from.resource.google_bigquery_table!['table-spans']!.deletion_protection,
      dataset: from.resource.google_bigquery_dataset!.dataset!.delete_contents_on_destroy,
      bucket: from.resource.google_storage_bucket!['bucket-lake']!.force_destroy,
      database: from.resource.google_firestore_database!.database!.deletion_policy,
    })
    expect(protection(plain)).toStrictEqual({ spans: true, dataset: false, bucket: false, database: 'ABANDON' })
    expect(protection(synthesise(EVERYTHING))).toStrictEqual({
      spans: false,
      dataset: true,
      bucket: true,
      database: 'DELETE',
    })
  })

  test('retention deletes rows and spans of the same age, and nothing without it', () => {
    const day = 86_400_000
    const stack = synthesise(EVERYTHING)
    const spans = stack.resource.google_bigquery_table!['table-spans']!.time_partitioning as Fields
    expect(spans.expiration_ms).toBe(400 * day)
    // The books outlive what they tell of.
    for (const name of ['table-batches', 'table-books'])
      expect(stack.resource.google_bigquery_table![name]!.time_partitioning).not.toHaveProperty('expiration_ms')
    const settings = (deployed: typeof stack) =>
      (deployed.resource.google_cloudfunctions2_function!['function-lake']!.service_config as Fields)
        .environment_variables
    expect(settings(stack)).toMatchObject({ SPANLEDGER_LAKE_RETENTION: '400,trial=30' })
    expect(settings(plain)).toMatchObject({ SPANLEDGER_LAKE_RETENTION: '0' })
    expect(JSON.stringify(stack)).not.toContain('"Delete"')
    expect(table('spans').time_partitioning).not.toHaveProperty('expiration_ms')
  })
})

test('what expires has its time to live, and what is never searched by has no index', () => {
  const fields = all(plain, 'google_firestore_field').map(({ collection, field, ttl_config, index_config }) => {
    expect(index_config).toStrictEqual({})
    return `${collection}.${field}${ttl_config === undefined ? '' : ' expires'}`
  })
  expect(fields.sort()).toStrictEqual([
    'budgetBudgets.b',
    'budgetBudgets.h',
    'budgetClaims.charges',
    'budgetClaims.expireAt expires',
    'budgetReservations.expireAt expires',
    'traces.body',
    'traces.expireAt expires',
    'traces.part',
    'traces.parts',
    'traces.record',
  ])
})

// The emulator enforces none, so that a query which needs one would first fail where it is deployed.
test('no query of Firestore needs a composite index, and none searches by a field without any', () => {
  const root = join(import.meta.dirname, '..')
  const sources = globSync('{shared,functions}/**/*.ts', { cwd: root, exclude: (path) => path.endsWith('.test.ts') })
  const firestore = sources
    .map((path) => readFileSync(join(root, path), 'utf8'))
    .filter((text) => /[Ff]irestore/.test(text))
  const queries = firestore.flatMap((text) => text.match(/\.(where|orderBy)\((?:[^;](?!\n\n))*/g) ?? [])
  const fields = queries.map((query) =>
    Array.from(query.matchAll(/\.(?:where|orderBy)\('(\w+)'/g), ([, field]) => field),
  )
  expect(fields.length).toBeGreaterThan(3)
  for (const searched of fields) expect(new Set(searched).size, searched.join()).toBe(1)
  const unindexed = UNINDEXED.map(([, field]) => field)
  expect(fields.flat().filter((field) => unindexed.includes(field ?? ''))).toStrictEqual([])
})
