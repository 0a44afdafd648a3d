import { CloudRunServiceIamMember } from '@cdktf/provider-google/lib/cloud-run-service-iam-member/index.js'
import type { Cloudfunctions2Function } from '@cdktf/provider-google/lib/cloudfunctions2-function/index.js'
import {
  PubsubSubscription,
  type PubsubSubscriptionConfig,
} from '@cdktf/provider-google/lib/pubsub-subscription/index.js'
import { PubsubSubscriptionIamMember } from '@cdktf/provider-google/lib/pubsub-subscription-iam-member/index.js'
import { PubsubTopic } from '@cdktf/provider-google/lib/pubsub-topic/index.js'
import { PubsubTopicIamMember } from '@cdktf/provider-google/lib/pubsub-topic-iam-member/index.js'
import { ServiceAccount } from '@cdktf/provider-google/lib/service-account/index.js'
import { ServiceAccountIamMember } from '@cdktf/provider-google/lib/service-account-iam-member/index.js'
import {
  PUBSUB_SUBSCRIPTIONS,
  PUBSUB_TOPICS,
  type PubsubSubscription as SubscriptionName,
  type PubsubTopic as TopicName,
} from '../shared/bus/pubsub-names.ts'
import { FUNCTION_NAMES, FUNCTIONS, type FunctionName, subscriptionsOf } from '../shared/platform/functions.ts'
import type { Context } from './context.ts'

const DAY_SECONDS = 86_400
/** The most that Pub/Sub keeps what nobody took. */
const RETENTION = `${31 * DAY_SECONDS}s`
/** In seconds: how long a function may take over one message; those on a schedule hold many for as long as a run may take. */
const ACK_DEADLINES: Readonly<Partial<Record<SubscriptionName, number>>> = { lake: 600, intake: 600, buried: 600 }
const ACK_DEADLINE = 120
/**
 * The most that Pub/Sub allows, ten minutes apart in the end: a store may be down for half a day before messages are given up.
 * What is wrong with a message itself is found at once, and the function dead-letters it.
 */
const MAX_ATTEMPTS = 100

export type Topics = Readonly<Record<TopicName, PubsubTopic>>

/** The topics, and the subscription that keeps dead letters until someone looks. */
export function createTopics(context: Context): Topics {
  const { scope, deployment, labels } = context
  const topics = PUBSUB_TOPICS.map((topic) => {
    const config = {
      project: deployment.project,
      name: context.name(topic),
      labels,
      // Else they are kept wherever they come from, prompts and all.
      messageStoragePolicy: { allowedPersistenceRegions: [deployment.region] },
    }
    return [topic, new PubsubTopic(scope, `topic-${topic}`, config)] as const
  })
  const byName = Object.fromEntries(topics) as Topics
  new PubsubSubscription(scope, 'subscription-dead-letter', {
    ...common(context, { name: 'dead-letter', topic: byName['dead-letter'] }),
    ackDeadlineSeconds: ACK_DEADLINE,
  })
  new PubsubTopicIamMember(scope, 'dead-letter-agent', {
    project: deployment.project,
    topic: byName['dead-letter'].name,
    role: 'roles/pubsub.publisher',
    member: pubsubAgent(context),
  })
  return byName
}

/** The subscriptions that a scheduled function pulls. */
export function createPullSubscriptions(context: Context, topics: Topics) {
  return Object.fromEntries(
    FUNCTION_NAMES.flatMap((name) => {
      const pulled = FUNCTIONS[name].trigger.kind === 'schedule' ? subscriptionsOf(name) : []
      return pulled.map((subscription) => [subscription, subscribe(context, topics, subscription)])
    }),
  ) as Partial<Record<SubscriptionName, PubsubSubscription>>
}

/** The subscriptions that push to functions, by an account of their own that may call just those. */
export function createPushSubscriptions(
  context: Context,
  topics: Topics,
  functions: Readonly<Record<FunctionName, Cloudfunctions2Function>>,
): void {
  const { scope, deployment } = context
  const { project, region } = deployment
  const pusher = new ServiceAccount(scope, 'account-push', {
    project,
    accountId: context.name('push'),
    displayName: 'Spanledger: Pub/Sub calling functions',
  })
  const token = new ServiceAccountIamMember(scope, 'push-token', {
    serviceAccountId: pusher.name,
    role: 'roles/iam.serviceAccountTokenCreator',
    member: pubsubAgent(context),
  })
  for (const name of context.functions) {
    const { trigger } = FUNCTIONS[name]
    if (trigger.kind !== 'push') continue
    const { name: service } = functions[name]
    const invoker = new CloudRunServiceIamMember(scope, `invoke-${name}`, {
      ...{ project, location: region, service, role: 'roles/run.invoker', member: pusher.member },
    })
    const uri = functions[name].serviceConfig.uri
    subscribe(context, topics, trigger.subscription, {
      pushConfig: { pushEndpoint: uri, oidcToken: { serviceAccountEmail: pusher.email, audience: uri } },
      dependsOn: [invoker, token],
    })
  }
}

function subscribe(
  context: Context,
  topics: Topics,
  name: SubscriptionName,
  push: Pick<PubsubSubscriptionConfig, 'pushConfig' | 'dependsOn'> = {},
): PubsubSubscription {
  const { scope, deployment } = context
  const topic = PUBSUB_SUBSCRIPTIONS[name]
  const subscription = new PubsubSubscription(scope, `subscription-${name}`, {
    ...common(context, { name, topic: topics[topic] }),
    ...push,
    ackDeadlineSeconds: ACK_DEADLINES[name] ?? ACK_DEADLINE,
    retryPolicy: { minimumBackoff: '10s', maximumBackoff: '600s' },
    // A dead letter that cannot be entered into the books would come back to them.
    ...(topic !== 'dead-letter' && {
      deadLetterPolicy: { deadLetterTopic: topics['dead-letter'].id, maxDeliveryAttempts: MAX_ATTEMPTS },
    }),
  })
  if (topic === 'dead-letter') return subscription
  new PubsubSubscriptionIamMember(scope, `dead-letter-source-${name}`, {
    project: deployment.project,
    subscription: subscription.name,
    role: 'roles/pubsub.subscriber',
    member: pubsubAgent(context),
  })
  return subscription
}

function common(context: Context, { name, topic }: { name: string; topic: PubsubTopic }) {
  const { deployment, labels } = context
  return {
    project: deployment.project,
    name: context.name(name),
    topic: topic.id,
    labels,
    messageRetentionDuration: RETENTION,
    // Unless told otherwise Pub/Sub deletes a subscription that saw no traffic for a month.
    expirationPolicy: { ttl: '' },
  }
}

function pubsubAgent({ projectNumber }: Context): string {
  return `serviceAccount:service-${projectNumber}@gcp-sa-pubsub.iam.gserviceaccount.com`
}
