import { describe, expect, test } from 'vitest'
import type { FunctionName } from '../shared/platform/functions.ts'
import { all, EVERYTHING, type Fields, LEAST, references, serviceOf, synthesise } from './stack.fixture.ts'

const plain = synthesise()

describe.each([
  ['the least', LEAST],
  ['everything', EVERYTHING],
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

  test('nothing is made before the APIs that make it hold everywhere', () => {
    const settled = 'time_sleep.apis-settled'
    const apis = Object.keys(stack.resource.google_project_service!).map((name) => `google_project_service.${name}`)
    expect((stack.resource.time_sleep!['apis-settled']!.depends_on as string[]).sort()).toStrictEqual(apis.sort())
    for (const [type, named] of Object.entries(stack.resource)) {
      if (type === 'google_project_service') continue
      for (const [name, { depends_on }] of Object.entries(named))
        if (`${type}.${name}` !== settled) expect(depends_on).toContain(settled)
    }
  })

  test('no function is made before all that functions and their builds are granted holds', () => {
    const grants = Object.entries(stack.resource).flatMap(([type, named]) =>
      Object.keys(named)
        .filter((name) => name.startsWith('grant-'))
        .map((name) => `${type}.${name}`),
    )
    expect(grants.length).toBeGreaterThan(20)
    expect(stack.resource.time_sleep!['roles-settled']!.depends_on).toEqual(expect.arrayContaining(grants))
    for (const { depends_on } of all(stack, 'google_cloudfunctions2_function'))
      expect(depends_on).toContain('time_sleep.roles-settled')
  })

  test('what can be called by anyone is what checks keys', () => {
    const open = all(stack, 'google_cloud_run_service_iam_member').filter(({ member }) => member === 'allUsers')
    expect(open.flatMap(({ service }) => references(service)).sort()).toStrictEqual([
      'google_cloudfunctions2_function.function-ingest',
      'google_cloudfunctions2_function.function-query',
    ])
    expect(JSON.stringify(stack)).not.toContain('allAuthenticatedUsers')
    expect(JSON.stringify(stack).match(/allUsers/g)).toHaveLength(2)
    for (const { role } of all(stack, 'google_cloud_run_service_iam_member')) expect(role).toBe('roles/run.invoker')
  })
})

describe('operations', () => {
  test('alerts tell whom they should', () => {
    const stack = synthesise(EVERYTHING)
    const policies = all(stack, 'google_monitoring_alert_policy')
    expect(policies).toHaveLength(4)
    for (const { notification_channels } of policies) expect(notification_channels).toHaveLength(2)
    expect(all(plain, 'google_monitoring_alert_policy'), 'with nobody to tell').toHaveLength(0)
    expect(all(stack, 'google_billing_budget')).toHaveLength(1)
    expect(all(plain, 'google_billing_budget')).toHaveLength(0)
    const dashboard = JSON.parse(all(plain, 'google_monitoring_dashboard')[0]!.dashboard_json as string) as Fields
    expect((dashboard.gridLayout as { widgets: unknown[] }).widgets).toHaveLength(5)
  })

  test('nobody was told that the lake is compacted no more: a run an hour that fails is no error in ten seconds', () => {
    const rules = all(synthesise(EVERYTHING), 'google_monitoring_alert_policy').flatMap(
      ({ conditions }) => conditions as { condition_threshold: Fields }[],
    )
    const runs = rules
      .map((rule) => rule.condition_threshold)
      .find(({ filter }) => String(filter).includes('(lake|books)'))!
    const [aggregation] = runs.aggregations as Fields[]
    expect(aggregation).toMatchObject({ alignment_period: '3600s', per_series_aligner: 'ALIGN_DELTA' })
    // A compaction that always fails is tried so often each hour, and the writers' runs more often.
    const jobs = plain.resource.google_cloud_scheduler_job!
    const tries = 1 + Number((jobs['job-compact']!.retry_config as Fields).retry_count)
    expect(runs.threshold_value).toBeLessThan(tries)
    expect(runs.threshold_value).toBeLessThan(6)
  })

  test('the load balancer took connections by TLS 1.0', () => {
    const [proxy] = all(synthesise(EVERYTHING), 'google_compute_target_https_proxy')
    expect(references(proxy!.ssl_policy)).toStrictEqual(['google_compute_ssl_policy.tls'])
    expect(all(synthesise(EVERYTHING), 'google_compute_ssl_policy')).toMatchObject([{ min_tls_version: 'TLS_1_2' }])
  })

  test('scheduled jobs call functions as themselves, and wait for as long as those may take', () => {
    const jobs = all(plain, 'google_cloud_scheduler_job')
    const calls = jobs.map(({ http_target, attempt_deadline }) => {
      const { uri, oidc_token } = http_target as { uri: string; oidc_token: Fields }
      const [name = ''] = references(uri).map((each) => each.replace('google_cloudfunctions2_function.function-', ''))
      const { timeout_seconds } = serviceOf(plain, name as FunctionName)
      expect(uri.startsWith(String(oidc_token.audience))).toBe(true)
      expect(references(oidc_token.service_account_email)).toStrictEqual(['google_service_account.account-schedule'])
      expect(Number.parseInt(String(attempt_deadline), 10)).toBeGreaterThan(timeout_seconds as number)
      return name + uri.replace(/^.*\}/, '')
    })
    expect(calls.sort()).toStrictEqual(['books/write', 'lake/compact', 'lake/write'])
  })

  test('what runs every hour never starts in the minute of a write: lake takes one request at a time', () => {
    const jobs = plain.resource.google_cloud_scheduler_job!
    expect(serviceOf(plain, 'lake')).toMatchObject({ max_instance_count: 1, max_instance_request_concurrency: 1 })
    expect(jobs['job-write']!.schedule).toBe('*/5 * * * *')
    const hourly = Object.entries(jobs).filter(([name]) => !['job-write', 'job-books'].includes(name))
    for (const [, { schedule }] of hourly) expect(Number.parseInt(String(schedule), 10) % 5).not.toBe(0)
    const minutes = hourly.map(([, { schedule }]) => Number.parseInt(String(schedule), 10))
    expect(new Set(minutes).size).toBe(minutes.length)
  })

  test('says where to send, where to look, and where the first key is', () => {
    expect(Object.keys(plain.output).sort()).toStrictEqual([
      'bucket',
      'dataset',
      'first_key_secret',
      'ingest_url',
      'query_url',
    ])
    expect(synthesise(EVERYTHING).output.ingest_url!.value).toBe('https://ledger.example.com')
    // The key itself is in the secret alone.
    expect(JSON.stringify(plain.output)).not.toMatch(/random_id|secret_data/)
  })

  test('state is kept where told', () => {
    expect(synthesise(EVERYTHING).terraform.backend).toStrictEqual({
      gcs: { bucket: 'states', prefix: 'spanledger/ledger' },
    })
  })
})

test.each(['a', 'abcdefghijklmno'])('with the prefix %j every name is one that Google takes', (prefix) => {
  const project = 'a'.repeat(30)
  const stack = synthesise({ ...EVERYTHING, project, prefix })
  const names = (type: string, field: string) => all(stack, type).map((fields) => String(fields[field]))
  const patterns: readonly (readonly [type: string, field: string, pattern: RegExp])[] = [
    ['google_service_account', 'account_id', /^[a-z][a-z0-9-]{4,28}[a-z0-9]$/],
    ['google_cloudfunctions2_function', 'name', /^[a-z][a-z0-9-]{0,47}[a-z0-9]$/],
    ['google_pubsub_topic', 'name', /^(?!goog)[a-z][\w.~+%-]{2,254}$/],
    ['google_pubsub_subscription', 'name', /^(?!goog)[a-z][\w.~+%-]{2,254}$/],
    ['google_storage_bucket', 'name', /^(?!goog)[a-z0-9][a-z0-9_-]{1,61}[a-z0-9]$/],
    ['google_firestore_database', 'name', /^[a-z][a-z0-9-]{2,61}[a-z0-9]$/],
    ['google_bigquery_dataset', 'dataset_id', /^\w{1,1024}$/],
    ['google_secret_manager_secret', 'secret_id', /^[\w-]{1,255}$/],
    ['google_cloud_scheduler_job', 'name', /^[\w-]{1,500}$/],
    ['google_compute_managed_ssl_certificate', 'name', /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/],
  ]
  for (const [type, field, pattern] of patterns) {
    expect(names(type, field), type).not.toHaveLength(0)
    for (const name of names(type, field)) expect(name, type).toMatch(pattern)
    expect(new Set(names(type, field)).size, type).toBe(names(type, field).length)
  }
})
