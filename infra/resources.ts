import type { BigqueryDataset } from '@cdktf/provider-google/lib/bigquery-dataset/index.js'
import type { FirestoreDatabase } from '@cdktf/provider-google/lib/firestore-database/index.js'
import type { PubsubSubscription } from '@cdktf/provider-google/lib/pubsub-subscription/index.js'
import type { PubsubTopic } from '@cdktf/provider-google/lib/pubsub-topic/index.js'
import type { SecretManagerSecret } from '@cdktf/provider-google/lib/secret-manager-secret/index.js'
import type { StorageBucket } from '@cdktf/provider-google/lib/storage-bucket/index.js'
import type { PubsubSubscription as SubscriptionName, PubsubTopic as TopicName } from '../shared/bus/pubsub-names.ts'

/** What functions work on. */
export interface Resources {
  readonly topics: Readonly<Record<TopicName, PubsubTopic>>
  /** Those that exist before any function: pulled ones. */
  readonly subscriptions: Readonly<Partial<Record<SubscriptionName, PubsubSubscription>>>
  readonly dataset: BigqueryDataset
  readonly bucket: StorageBucket
  readonly database: FirestoreDatabase
  readonly firstKey: SecretManagerSecret
}
