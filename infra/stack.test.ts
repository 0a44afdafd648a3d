import { Testing } from 'cdktf'
import { describe, expect, test } from 'vitest'
import { SUBSCRIPTIONS, TOPICS } from '../shared/bus/bus.ts'
import { FUNCTION_NAMES, FUNCTIONS } from '../shared/platform/functions.ts'
import { WAREHOUSE_COLUMNS } from '../shared/spans/columns.ts'
import { bigQuerySchema } from '../shared/warehouse/ddl/bigquery.ts'
import { type Deployment, parseDeployment } from './deployment.ts'
import type { Bundles } from './functions.ts'
import { createStack } from './stack.ts'

type Fields = Record<string, unknown>
type Resources = Record<string, Record<string, Fields>>
interface Synthesised {
  readonly resource: Resources
  readonly data: Resources
  readonly output: Record<string, Fields>
  readonly provider: Record<string, unknown>
  readonly terraform: Fields
}

const deployment: Deployment = { project: 'my-project', region: 'europe-west1', prefix: 'ledger' }
const everything: Deployment = {
  ...deployment,
  dataLocation: 'EU',
  stateBucket: 'states',
  retentionDays: 400,
  minInstances: 1,
  maxInstances: 20,
  maxBodyBytes: 1_000_000,
  logLevel: 'debug',
  alertEmails: ['a@example.com', 'b@example.com'],
  monthlyBudget: 5,
  billingAccount: '000000-000000-000000',
  domain: 'ledger.example.com',
  protectData: false,
}
const bundles = Object.fromEntries(
  FUNCTION_NAMES.map((name) => [name, { path: `dist/${name}.zip`, sha256: `${name}-digest` }]),
) as Bundles

function synthesise(given: Deployment = deployment): Synthesised {
  return JSON.parse(Testing.synth(createStack(Testing.app(), given, bundles), true)) as Synthesised
}

const plain = synthesise()
const all = (type: string, from = plain) => Object.values(from.resource[type] ?? {})
const service = (name: string) =>
  plain.resource.google_cloudfunctions2_function![`function-${name}`]!.service_config as Fields

/** Every `${type.name.attribute}` within a value. */
function references(value: unknown): string[] {
  const found = JSON.stringify(value).matchAll(/\$\{(data\.)?([a-z]\w+)\.([\w-]+)[.[}]/g)
  return [...found].map(([, data = '', type, name]) => `${data}${type}.${name}`)
}

describe.each([
  ['the least', deployment],
  ['everything', everything],
])('with %s configured', (_, given) => {
  const stack = synthesise(given)

  test('every reference resolves', () => {
    const known = new Set<string>()
    for (const [type, named] of Object.entries(stack.resource))
      for (const name of Object.keys(named)) known.add(`${type}.${name}`)
    for (const [type, named] of Object.entries(stack.data))
      for (const name of Object.keys(named)) known.add(`data.${type}.${name}`)
    const used = references([stack.resource, stack.output])
    expect(used.length).toBeGreaterThan(50)
    expect(used.filter((reference) => !known.has(reference))).toStrictEqual([])
    const depended = Object.values(stack.resource)
      .flatMap(Object.values)
      .flatMap(({ depends_on = [] }) => depends_on as string[])
    expect(depended.filter((reference) => !known.has(reference))).toStrictEqual([])
  })

  test('a second synthesis is the same', () => {
    expect(synthesise(given)).toStrictEqual(stack)
  })

  test('nothing is made before the APIs that make it', () => {
    const apis = Object.keys(stack.resource.google_project_service!).map((name) => `google_project_service.${name}`)
    for (const [type, named] of Object.entries(stack.resource)) {
      if (type === 'google_project_service') continue
      for (const { depends_on } of Object.values(named)) expect(depends_on).toEqual(expect.arrayContaining(apis))
    }
  })

  test('what can be called by anyone is what checks keys', () => {
    const open = all('google_cloud_run_service_iam_member', stack).filter(({ member }) => member === 'allUsers')
    expect(open.flatMap(({ service }) => references(service)).sort()).toStrictEqual([
      'google_cloudfunctions2_function.function-ingest',
      'google_cloudfunctions2_function.function-query',
    ])
    expect(JSON.stringify(stack)).not.toContain('allAuthenticatedUsers')
    expect(JSON.stringify(stack).match(/allUsers/g)).toHaveLength(2)
    for (const { role } of all('google_cloud_run_service_iam_member', stack)) expect(role).toBe('roles/run.invoker')
  })
})

describe('functions', () => {
  test('each has a service account of its own, and no role beyond the table', () => {
    const table: Record<string, string[]> = {
      ingest: ['datastore.viewer', 'pubsub.publisher', 'secretmanager.secretAccessor'],
      price: ['datastore.user', 'pubsub.publisher', 'pubsub.publisher'],
      budget: ['datastore.user', 'pubsub.publisher', 'pubsub.publisher'],
      notify: ['datastore.viewer', 'pubsub.publisher'],
      warehouse: ['bigquery.dataEditor', 'pubsub.publisher'],
      lake: ['pubsub.publisher', 'pubsub.subscriber', 'storage.objectUser'],
      query: [
        ...[
          'bigquery.dataViewer',
          'bigquery.jobUser',
          'datastore.user',
          'secretmanager.secretAccessor',
          'storage.objectViewer',
        ],
      ],
      push: ['run.invoker', 'run.invoker', 'run.invoker', 'run.invoker'],
      schedule: ['run.invoker'],
      build: ['artifactregistry.writer', 'logging.logWriter', 'storage.objectViewer'],
    }
    const granted: Record<string, string[]> = {}
    for (const [type, named] of Object.entries(plain.resource)) {
      if (!type.endsWith('_iam_member')) continue
      for (const { member, role } of Object.values(named)) {
        const [account] = references(member)
        if (!account?.startsWith('google_service_account.')) continue
        const name = account.replace('google_service_account.account-', '')
        granted[name] = [...(granted[name] ?? []), String(role).replace('roles/', '')].sort()
      }
    }
    expect(granted).toStrictEqual(table)
    const used = FUNCTION_NAMES.map((name) => references(service(name).service_account_email)[0])
    expect(used).toStrictEqual(FUNCTION_NAMES.map((name) => `google_service_account.account-${name}`))
    expect(JSON.stringify(plain)).not.toMatch(/roles\/(owner|editor|viewer)"|\.admin"/)
  })

  test('access to Firestore ends at our own database', () => {
    const granted = all('google_project_iam_member').filter(({ role }) => String(role).includes('datastore'))
    expect(granted).toHaveLength(5)
    for (const { condition } of granted)
      expect((condition as Fields).expression).toMatch(
        /^resource\.name == "projects\/my-project\/databases\/\$\{google_firestore_database\.database\.name\}"$/,
      )
  })

  test.each(FUNCTION_NAMES)('%s gets the settings that it reads, and none else', (name) => {
    const { environment_variables, secret_environment_variables = [] } = service(name) as {
      environment_variables: Record<string, string>
      secret_environment_variables?: { key: string }[]
    }
    const given = [...Object.keys(environment_variables), ...secret_environment_variables.map(({ key }) => key)]
    expect(given.sort()).toStrictEqual([...FUNCTIONS[name].settings].sort())
    expect(Object.values(environment_variables)).not.toContain('')
  })

  test('only those that check keys can be reached from outside, and those behind a domain only through it', () => {
    const reach = (from: Synthesised) =>
      Object.entries(from.resource.google_cloudfunctions2_function!).map(([name, fields]) => [
        name.replace('function-', ''),
        (fields.service_config as Fields).ingress_settings,
      ])
    const inner = ['price', 'budget', 'notify', 'warehouse', 'lake'].map((name) => [name, 'ALLOW_INTERNAL_ONLY'])
    const outer = (setting: string) => ['ingest', 'query'].map((name) => [name, setting])
    expect(reach(plain).sort()).toStrictEqual([...inner, ...outer('ALLOW_ALL')].sort())
    expect(reach(synthesise(everything)).sort()).toStrictEqual([...inner, ...outer('ALLOW_INTERNAL_AND_GCLB')].sort())
  })

  test('cost nothing while idle, and scale no further than they are told', () => {
    for (const name of FUNCTION_NAMES) {
      expect(service(name).min_instance_count).toBe(0)
      expect(service(name).max_instance_count).toBeLessThanOrEqual(10)
    }
  })

  test('are deployed anew when, and only when, their bundle changes', () => {
    for (const { name } of all('google_storage_bucket_object')) expect(name).toMatch(/^\w+-\w+-digest\.zip$/)
  })
})

test('what expires has its time to live, and what is never searched by has no index', () => {
  const fields = all('google_firestore_field').map(({ collection, field, ttl_config, index_config }) => {
    expect(index_config).toStrictEqual({})
    return `${collection}.${field}${ttl_config === undefined ? '' : ' expires'}`
  })
  expect(fields.sort()).toStrictEqual([
    'budgetBudgets.b',
    'budgetBudgets.h',
    'budgetClaims.charges',
    'budgetClaims.expireAt expires',
    'budgetReservations.expireAt expires',
    'traces.expireAt expires',
  ])
})

describe('messages', () => {
  test('every topic is there', () => {
    const names = all('google_pubsub_topic').map(({ name }) => name)
    expect(names.sort()).toStrictEqual([...TOPICS, 'dead-letter'].map((topic) => `ledger-${topic}`).sort())
  })

  const subscriptions = all('google_pubsub_subscription').filter(({ name }) => name !== 'ledger-dead-letter')

  test('every function that consumes has its subscription on the right topic', () => {
    const expected = FUNCTION_NAMES.flatMap((name) => {
      const { trigger } = FUNCTIONS[name]
      return trigger.kind === 'http'
        ? []
        : [[`ledger-${trigger.subscription}`, `google_pubsub_topic.topic-${SUBSCRIPTIONS[trigger.subscription]}`]]
    })
    expect(subscriptions.map(({ name, topic }) => [name, references(topic)[0]]).sort()).toStrictEqual(expected.sort())
  })

  test('what cannot be delivered is kept, and Pub/Sub may do so', () => {
    const topic = 'google_pubsub_topic.topic-dead-letter'
    const agent = `serviceAccount:service-\${data.google_project.project.number}@gcp-sa-pubsub.iam.gserviceaccount.com`
    for (const { dead_letter_policy, expiration_policy, message_retention_duration } of subscriptions) {
      expect(references(dead_letter_policy)).toStrictEqual([topic])
      expect(expiration_policy).toStrictEqual({ ttl: '' })
      expect(message_retention_duration).toBe('2678400s')
    }
    const publishers = all('google_pubsub_topic_iam_member').filter(({ member }) => member === agent)
    expect(publishers).toMatchObject([{ role: 'roles/pubsub.publisher' }])
    expect(references(publishers[0]!.topic)).toStrictEqual([topic])
    const sources = all('google_pubsub_subscription_iam_member').filter(({ member }) => member === agent)
    expect(sources.map(({ subscription }) => references(subscription)[0]).sort()).toStrictEqual(
      ['budget', 'lake', 'notify', 'price', 'warehouse'].map(
        (name) => `google_pubsub_subscription.subscription-${name}`,
      ),
    )
    const kept = all('google_pubsub_subscription').find(({ name }) => name === 'ledger-dead-letter')!
    expect(references(kept.topic)).toStrictEqual([topic])
  })

  test('pushes are signed for the function that gets them, and a function ends before its message comes again', () => {
    for (const { name, push_config, ack_deadline_seconds } of subscriptions) {
      const consumer = String(name).replace('ledger-', '')
      expect(ack_deadline_seconds).toBeGreaterThan(service(consumer).timeout_seconds as number)
      if (push_config === undefined) continue
      const { push_endpoint, oidc_token } = push_config as { push_endpoint: string; oidc_token: Fields }
      expect(references(push_endpoint)).toStrictEqual([`google_cloudfunctions2_function.function-${consumer}`])
      expect(oidc_token.audience).toBe(push_endpoint)
      expect(references(oidc_token.service_account_email)).toStrictEqual(['google_service_account.account-push'])
    }
  })
})

describe('stores', () => {
  const table = (id: string) => all('google_bigquery_table').find(({ table_id }) => table_id === id)!

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
    for (const bucket of all('google_storage_bucket'))
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
    expect(protection(synthesise(everything))).toStrictEqual({
      spans: false,
      dataset: true,
      bucket: true,
      database: 'DELETE',
    })
  })

  test('retention deletes rows and files of the same age, and nothing without it', () => {
    const day = 86_400_000
    const stack = synthesise(everything)
    const spans = stack.resource.google_bigquery_table!['table-spans']!.time_partitioning as Fields
    expect(spans.expiration_ms).toBe(400 * day)
    const rules = stack.resource.google_storage_bucket!['bucket-lake']!.lifecycle_rule as Fields[]
    expect(rules.filter(({ action }) => (action as Fields).type === 'Delete')).toMatchObject([
      { condition: { age: 400 } },
    ])
    expect(JSON.stringify(plain)).not.toContain('"Delete"')
    expect(table('spans').time_partitioning).not.toHaveProperty('expiration_ms')
  })
})

describe('operations', () => {
  test('alerts tell whom they should', () => {
    const stack = synthesise(everything)
    const policies = all('google_monitoring_alert_policy', stack)
    expect(policies).toHaveLength(3)
    for (const { notification_channels } of policies) expect(notification_channels).toHaveLength(2)
    expect(all('google_monitoring_alert_policy'), 'with nobody to tell').toHaveLength(0)
    expect(all('google_billing_budget', stack)).toHaveLength(1)
    expect(all('google_billing_budget')).toHaveLength(0)
    const dashboard = JSON.parse(all('google_monitoring_dashboard')[0]!.dashboard_json as string) as Fields
    expect((dashboard.gridLayout as { widgets: unknown[] }).widgets).toHaveLength(5)
  })

  test('the lake is written and compacted by schedule', () => {
    const jobs = all('google_cloud_scheduler_job').map(({ http_target }) => (http_target as Fields).uri)
    expect(jobs.map((uri) => String(uri).replace(/^.*\}/, '')).sort()).toStrictEqual(['/compact', '/write'])
  })

  test('says where to send, where to look, and where the first key is', () => {
    expect(Object.keys(plain.output).sort()).toStrictEqual([
      'bucket',
      'dataset',
      'first_key_secret',
      'ingest_url',
      'query_url',
    ])
    expect(synthesise(everything).output.ingest_url!.value).toBe('https://ledger.example.com')
    // The key itself is in the secret alone.
    expect(JSON.stringify(plain.output)).not.toMatch(/random_id|secret_data/)
  })

  test('state is kept where told', () => {
    expect(synthesise(everything).terraform.backend).toStrictEqual({
      gcs: { bucket: 'states', prefix: 'spanledger/ledger' },
    })
  })
})

describe('a deployment that is wrong', () => {
  test.each([
    [null, 'is an object'],
    [{}, 'project: an id; region: as europe-west1; prefix'],
    [{ ...deployment, region: 'Europe' }, 'region'],
    [{ ...deployment, prefix: 'Ledger_1' }, 'prefix'],
    [{ ...deployment, retentionDays: -1 }, 'retentionDays: a whole number'],
    [{ ...deployment, retention: 1 }, 'retention: no such setting'],
    [{ ...deployment, alertEmails: 'me' }, 'alertEmails'],
    [{ ...deployment, protectData: 'no' }, 'protectData'],
  ])('%j is refused', (given, message) => {
    expect(() => parseDeployment(given)).toThrow(message)
  })

  test('the example is right', async () => {
    const example = await import('./deployment.example.json', { with: { type: 'json' } })
    expect(synthesise(parseDeployment({ ...example.default }))).toHaveProperty('resource')
  })
})
