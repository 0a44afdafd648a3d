import { SUBSCRIPTIONS, TOPICS } from './bus.ts'

/** The topics on Pub/Sub: the bus's own, a record of each message that `ingest` took, and what was given up. */
export const PUBSUB_TOPICS = [...TOPICS, 'intake', 'dead-letter'] as const
export type PubsubTopic = (typeof PUBSUB_TOPICS)[number]

/** Who listens to what on Pub/Sub: subscription → topic. `dead-letter` keeps what was given up until it is replayed. */
export const PUBSUB_SUBSCRIPTIONS = {
  ...SUBSCRIPTIONS,
  intake: 'intake',
  buried: 'dead-letter',
  'dead-letter': 'dead-letter',
} as const satisfies Record<string, PubsubTopic>
export type PubsubSubscription = keyof typeof PUBSUB_SUBSCRIPTIONS

/** What every name starts with, and in which project. */
export interface PubsubNames {
  readonly projectId: string
  /** Before every name: `<prefix>-spans`. */
  readonly prefix: string
}

/** Full name of a topic. */
export function topicPath({ projectId, prefix }: PubsubNames, topic: PubsubTopic): string {
  return `projects/${projectId}/topics/${prefix}-${topic}`
}

/** Full name of a subscription. */
export function subscriptionPath({ projectId, prefix }: PubsubNames, subscription: PubsubSubscription): string {
  return `projects/${projectId}/subscriptions/${prefix}-${subscription}`
}
