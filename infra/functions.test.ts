import { describe, expect, test } from 'vitest'
import { FUNCTION_NAMES, FUNCTIONS } from '../shared/platform/functions.ts'
import { all, EVERYTHING, type Fields, references, type Synthesised, serviceOf, synthesise } from './stack.fixture.ts'

const plain = synthesise()

describe('functions', () => {
  test('each has a service account of its own, and no role beyond the table', () => {
    const table: Record<string, string[]> = {
      ingest: ['datastore.viewer', 'pubsub.publisher', 'pubsub.publisher', 'secretmanager.secretAccessor'],
      price: ['datastore.user', 'pubsub.publisher', 'pubsub.publisher'],
      budget: ['datastore.user', 'pubsub.publisher', 'pubsub.publisher'],
      notify: ['datastore.viewer', 'pubsub.publisher'],
      warehouse: ['bigquery.dataEditor', 'pubsub.publisher'],
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
    const used = FUNCTION_NAMES.map((name) => references(serviceOf(plain, name).service_account_email)[0])
    expect(used).toStrictEqual(FUNCTION_NAMES.map((name) => `google_service_account.account-${name}`))
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

  test.each(FUNCTION_NAMES)('%s gets the settings that it reads, and none else', (name) => {
    const { environment_variables, secret_environment_variables = [] } = serviceOf(plain, name) as {
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
    const inner = ['price', 'budget', 'notify', 'warehouse', 'lake', 'books'].map((name) => [
      name,
      'ALLOW_INTERNAL_ONLY',
    ])
    const outer = (setting: string) => ['ingest', 'query'].map((name) => [name, setting])
    expect(reach(plain).sort()).toStrictEqual([...inner, ...outer('ALLOW_ALL')].sort())
    expect(reach(synthesise(EVERYTHING)).sort()).toStrictEqual([...inner, ...outer('ALLOW_INTERNAL_AND_GCLB')].sort())
  })

  test('cost nothing while idle, and scale no further than they are told', () => {
    for (const name of FUNCTION_NAMES) {
      expect(serviceOf(plain, name).min_instance_count).toBe(0)
      expect(serviceOf(plain, name).max_instance_count).toBeLessThanOrEqual(10)
    }
  })

  test('are deployed anew when, and only when, their bundle changes', () => {
    for (const { name } of all(plain, 'google_storage_bucket_object')) expect(name).toMatch(/^\w+-\w+-digest\.zip$/)
  })
})
