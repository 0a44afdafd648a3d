import { describe, expect, test } from 'vitest'
import { FUNCTION_NAMES, FUNCTIONS } from '../shared/platform/functions.ts'
import { all, EVERYTHING, type Fields, references, type Synthesised, serviceOf, synthesise } from './stack.fixture.ts'

const plain = synthesise()
const full = synthesise(EVERYTHING)

describe('functions', () => {
  test('each has a service account of its own, and no role beyond the table', () => {
    const table: Record<string, string[]> = {
      ingest: ['datastore.viewer', 'pubsub.publisher', 'pubsub.publisher', 'secretmanager.secretAccessor'],
      price: ['datastore.user', 'pubsub.publisher', 'pubsub.publisher'],
      budget: ['datastore.user', 'pubsub.publisher', 'pubsub.publisher'],
      notify: ['datastore.viewer', 'pubsub.publisher'],
      warehouse: ['bigquery.dataEditor', 'pubsub.publisher', 'pubsub.publisher'],
      lake: ['pubsub.publisher', 'pubsub.subscriber', 'storage.objectUser'],
      books: [
        ...['bigquery.dataEditor', 'bigquery.jobUser', 'datastore.user', 'pubsub.subscriber', 'pubsub.subscriber'],
      ],
      query: [
        ...[
          'bigquery.dataViewer',
          'bigquery.jobUser',
          'datastore.user',
          'pubsub.publisher',
          'secretmanager.secretAccessor',
          'storage.objectViewer',
        ],
      ],
      push: ['run.invoker', 'run.invoker', 'run.invoker', 'run.invoker'],
      schedule: ['run.invoker', 'run.invoker'],
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
    const names = FUNCTION_NAMES.filter((name) => name !== 'forward')
    const used = names.map((name) => references(serviceOf(plain, name).service_account_email)[0])
    expect(used).toStrictEqual(names.map((name) => `google_service_account.account-${name}`))
    expect(JSON.stringify(plain)).not.toMatch(/roles\/(owner|editor|viewer)"|\.admin"/)
  })

  test('access to Firestore ends at our own database', () => {
    const granted = all(plain, 'google_project_iam_member').filter(({ role }) => String(role).includes('datastore'))
    expect(granted).toHaveLength(6)
    for (const { condition } of granted)
      expect((condition as Fields).expression).toMatch(
        /^resource\.name == "projects\/my-project\/databases\/\$\{google_firestore_database\.database\.name\}"$/,
      )
  })

  test('whatever a dependency ran while functions were built could read the spans in the bucket', () => {
    const building = all(plain, 'google_project_iam_member').filter(
      ({ member }) => references(member)[0] === 'google_service_account.account-build',
    )
    const reading = building.filter(({ role }) => role === 'roles/storage.objectViewer')
    expect(reading).toHaveLength(1)
    expect((reading[0]!.condition as Fields).expression).toBe(
      // biome-ignore lint/suspicious/noTemplateCurlyInString: Terraform's own notation
      '!resource.name.startsWith("projects/_/buckets/${google_storage_bucket.bucket-lake.name}")',
    )
  })

  test.each(FUNCTION_NAMES)('%s gets the settings that it reads, and none else', (name) => {
    const { environment_variables, secret_environment_variables = [] } = serviceOf(full, name) as {
      environment_variables: Record<string, string>
      secret_environment_variables?: { key: string }[]
    }
    const { NODE_OPTIONS: _, ...own } = environment_variables
    const given = [...Object.keys(own), ...secret_environment_variables.map(({ key }) => key)]
    expect(given.sort()).toStrictEqual([...FUNCTIONS[name].settings].sort())
    expect(Object.values(environment_variables)).not.toContain('')
  })

  test('spans are forwarded where a deployment says so, with headers that only its secret holds', () => {
    expect(plain.resource.google_cloudfunctions2_function).not.toHaveProperty('function-forward')
    expect(plain.resource.google_pubsub_subscription).not.toHaveProperty('subscription-forward')
    expect(serviceOf(full, 'forward')).toMatchObject({
      environment_variables: {
        SPANLEDGER_FORWARD_URL: 'https://otlp.example.com/v1/traces',
        SPANLEDGER_FORWARD_PROJECTS: 'a,b',
      },
      secret_environment_variables: [{ key: 'SPANLEDGER_FORWARD_HEADERS', secret: 'otlp-headers', version: 'latest' }],
    })
    const subscription = full.resource.google_pubsub_subscription!['subscription-forward']!
    expect(references(subscription.topic)).toStrictEqual(['google_pubsub_topic.topic-priced-spans'])
    const granted = all(full, 'google_secret_manager_secret_iam_member').filter(
      ({ secret_id }) => secret_id === 'otlp-headers',
    )
    expect(granted).toMatchObject([{ role: 'roles/secretmanager.secretAccessor' }])
    expect(references(granted[0]!.member)).toStrictEqual(['google_service_account.account-forward'])
  })

  test('only those that check keys can be reached from outside, and those behind a domain only through it', () => {
    const reach = (from: Synthesised) =>
      Object.entries(from.resource.google_cloudfunctions2_function!).map(([name, fields]) => [
        name.replace('function-', ''),
        (fields.service_config as Fields).ingress_settings,
      ])
    const inner = ['price', 'budget', 'notify', 'warehouse', 'lake', 'books'].map((name) => [
      name,
      'ALLOW_INTERNAL_ONLY',
    ])
    const outer = (setting: string) => ['ingest', 'query'].map((name) => [name, setting])
    expect(reach(plain).sort()).toStrictEqual([...inner, ...outer('ALLOW_ALL')].sort())
    const forward = ['forward', 'ALLOW_INTERNAL_ONLY']
    expect(reach(full).sort()).toStrictEqual([...inner, forward, ...outer('ALLOW_INTERNAL_AND_GCLB')].sort())
  })

  test('cost nothing while idle, and scale no further than they are told', () => {
    for (const { service_config } of all(plain, 'google_cloudfunctions2_function')) {
      expect((service_config as Fields).min_instance_count).toBe(0)
      const most = (service_config as Fields).available_cpu === '0.333' ? 40 : 10
      expect((service_config as Fields).max_instance_count).toBeLessThanOrEqual(most)
    }
  })

  test('are deployed anew when, and only when, their bundle changes', () => {
    for (const { name } of all(plain, 'google_storage_bucket_object')) expect(name).toMatch(/^\w+-\w+-digest\.zip$/)
  })
})
