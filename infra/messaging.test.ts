import { describe, expect, test } from 'vitest'
import { PUBSUB_SUBSCRIPTIONS, PUBSUB_TOPICS, type PubsubSubscription } from '../shared/bus/pubsub-names.ts'
import { FUNCTION_NAMES, subscriptionsOf } from '../shared/platform/functions.ts'
import { all, type Fields, references, serviceOf, synthesise } from './stack.fixture.ts'

const plain = synthesise()

describe('messages', () => {
  test('every topic is there', () => {
    const names = all(plain, 'google_pubsub_topic').map(({ name }) => name)
    expect(names.sort()).toStrictEqual(PUBSUB_TOPICS.map((topic) => `ledger-${topic}`).sort())
  })

  test('messages, prompts in them, were kept wherever a publisher came from', () => {
    for (const { message_storage_policy } of all(plain, 'google_pubsub_topic'))
      expect(message_storage_policy).toStrictEqual({ allowed_persistence_regions: ['europe-west1'] })
  })

  const subscriptions = all(plain, 'google_pubsub_subscription').filter(({ name }) => name !== 'ledger-dead-letter')

  test('every function that consumes has its subscription on the right topic', () => {
    const consumed = FUNCTION_NAMES.filter((name) => name !== 'forward').flatMap(subscriptionsOf)
    const expected = consumed.map((name) => [
      `ledger-${name}`,
      `google_pubsub_topic.topic-${PUBSUB_SUBSCRIPTIONS[name]}`,
    ])
    expect(subscriptions.map(({ name, topic }) => [name, references(topic)[0]]).sort()).toStrictEqual(expected.sort())
  })

  test('what cannot be delivered is kept, and Pub/Sub may do so', () => {
    const topic = 'google_pubsub_topic.topic-dead-letter'
    const agent = `serviceAccount:service-\${data.google_project.project.number}@gcp-sa-pubsub.iam.gserviceaccount.com`
    for (const { name, dead_letter_policy, expiration_policy, message_retention_duration } of subscriptions) {
      // What the books read of dead letters cannot be given up to them again.
      expect(references(dead_letter_policy ?? {})).toStrictEqual(name === 'ledger-buried' ? [] : [topic])
      expect(expiration_policy).toStrictEqual({ ttl: '' })
      expect(message_retention_duration).toBe('2678400s')
    }
    const publishers = all(plain, 'google_pubsub_topic_iam_member').filter(({ member }) => member === agent)
    expect(publishers).toMatchObject([{ role: 'roles/pubsub.publisher' }])
    expect(references(publishers[0]!.topic)).toStrictEqual([topic])
    const sources = all(plain, 'google_pubsub_subscription_iam_member').filter(({ member }) => member === agent)
    expect(sources.map(({ subscription }) => references(subscription)[0]).sort()).toStrictEqual(
      ['budget', 'intake', 'lake', 'notify', 'price', 'warehouse'].map(
        (name) => `google_pubsub_subscription.subscription-${name}`,
      ),
    )
    const kept = all(plain, 'google_pubsub_subscription').find(({ name }) => name === 'ledger-dead-letter')!
    expect(references(kept.topic)).toStrictEqual([topic])
  })

  test('pushes are signed for the function that gets them, and a function ends before its message comes again', () => {
    for (const { name, push_config, ack_deadline_seconds } of subscriptions) {
      const own = String(name).replace('ledger-', '') as PubsubSubscription
      const consumer = FUNCTION_NAMES.find((each) => subscriptionsOf(each).includes(own))!
      expect(ack_deadline_seconds).toBeGreaterThan(serviceOf(plain, consumer).timeout_seconds as number)
      if (push_config === undefined) continue
      const { push_endpoint, oidc_token } = push_config as { push_endpoint: string; oidc_token: Fields }
      expect(references(push_endpoint)).toStrictEqual([`google_cloudfunctions2_function.function-${consumer}`])
      expect(oidc_token.audience).toBe(push_endpoint)
      expect(references(oidc_token.service_account_email)).toStrictEqual(['google_service_account.account-push'])
    }
  })

  test('no push is made before Pub/Sub may sign it and call what it goes to', () => {
    const agent = `serviceAccount:service-\${data.google_project.project.number}@gcp-sa-pubsub.iam.gserviceaccount.com`
    const token = plain.resource.google_service_account_iam_member!['push-token']!
    expect(token).toMatchObject({ role: 'roles/iam.serviceAccountTokenCreator', member: agent })
    expect(references(token.service_account_id)).toStrictEqual(['google_service_account.account-push'])
    const pushed = subscriptions.filter(({ push_config }) => push_config !== undefined)
    expect(pushed.length).toBeGreaterThan(3)
    for (const { name, depends_on } of pushed)
      expect(depends_on).toEqual(
        expect.arrayContaining([
          'google_service_account_iam_member.push-token',
          `google_cloud_run_service_iam_member.invoke-${String(name).replace('ledger-', '')}`,
        ]),
      )
  })

  test('what is tried again is tried within the bounds that Pub/Sub sets', () => {
    const seconds = (value: unknown) => Number(/^(\d+)s$/.exec(String(value))?.[1])
    for (const subscription of subscriptions) {
      const retry = subscription.retry_policy as Fields
      expect(seconds(retry.minimum_backoff)).toBeGreaterThanOrEqual(1)
      expect(seconds(retry.maximum_backoff)).toBeLessThanOrEqual(600)
      const bounded = { max_delivery_attempts: 100, ...(subscription.dead_letter_policy as Fields | undefined) }
      const { max_delivery_attempts } = bounded
      expect(max_delivery_attempts).toBeGreaterThanOrEqual(5)
      expect(max_delivery_attempts).toBeLessThanOrEqual(100)
      expect(subscription.ack_deadline_seconds).toBeLessThanOrEqual(600)
      expect(seconds(subscription.message_retention_duration)).toBeLessThanOrEqual(31 * 86_400)
    }
  })
})
