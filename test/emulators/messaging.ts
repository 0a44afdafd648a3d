import type { PubSub } from '@google-cloud/pubsub'
import { PUBSUB_SUBSCRIPTIONS, PUBSUB_TOPICS, type PubsubSubscription } from '../../shared/bus/pubsub-names.ts'

/** Every topic of a deployment, as `infra/messaging.ts` makes them. */
export async function createTopics(pubsub: PubSub, prefix: string): Promise<void> {
  for (const topic of PUBSUB_TOPICS) await pubsub.createTopic(`${prefix}-${topic}`)
}

/** A subscription of a deployment: pulled, unless it has somewhere to push to. */
export async function subscribe(
  pubsub: PubSub,
  prefix: string,
  name: PubsubSubscription,
  { pushEndpoint, ackDeadlineSeconds = 60 }: { pushEndpoint?: string | undefined; ackDeadlineSeconds?: number } = {},
): Promise<void> {
  await pubsub.topic(`${prefix}-${PUBSUB_SUBSCRIPTIONS[name]}`).createSubscription(`${prefix}-${name}`, {
    ackDeadlineSeconds,
    ...(pushEndpoint !== undefined && { pushConfig: { pushEndpoint } }),
  })
}
