import { FirestoreDatabase } from '@cdktf/provider-google/lib/firestore-database/index.js'
import { FirestoreField } from '@cdktf/provider-google/lib/firestore-field/index.js'
import { StorageBucket } from '@cdktf/provider-google/lib/storage-bucket/index.js'
import { type Context, isProtected } from './context.ts'

const WEEK_SECONDS = 7 * 86_400

/** The bucket of the lake: nothing in it can be made public; what is deleted can be had back for a week. */
export function createLakeBucket(context: Context): StorageBucket {
  const { scope, deployment, labels } = context
  const { project, region } = deployment
  return new StorageBucket(scope, 'bucket-lake', {
    project,
    name: `${project}-${context.name('lake')}`,
    location: region,
    labels,
    uniformBucketLevelAccess: true,
    publicAccessPrevention: 'enforced',
    forceDestroy: !isProtected(context),
    softDeletePolicy: { retentionDurationSeconds: WEEK_SECONDS },
    // What has expired is deleted by `lake`, by the hours of spans and with its books kept: a file's own age says little.
    lifecycleRule: [{ action: { type: 'AbortIncompleteMultipartUpload' }, condition: { age: 1 } }],
  })
}

/** The bucket that functions are built from. Nothing in it is lost that a deployment does not bring back. */
export function createSourceBucket(context: Context): StorageBucket {
  const { scope, deployment, labels } = context
  return new StorageBucket(scope, 'bucket-source', {
    project: deployment.project,
    name: `${deployment.project}-${context.name('source')}`,
    location: deployment.region,
    labels,
    uniformBucketLevelAccess: true,
    publicAccessPrevention: 'enforced',
    forceDestroy: true,
    softDeletePolicy: { retentionDurationSeconds: 0 },
  })
}

/** Collections whose documents carry the time at which Firestore deletes them. */
export const EXPIRING: Readonly<Record<string, string>> = {
  traces: 'expireAt',
  budgetClaims: 'expireAt',
  budgetReservations: 'expireAt',
}

/** Fields that nothing is searched by: their maps and long texts would be written to indexes with every debit. */
export const UNINDEXED: readonly (readonly [collection: string, field: string])[] = [
  ['budgetBudgets', 'b'],
  ['budgetBudgets', 'h'],
  ['budgetClaims', 'charges'],
  ['traces', 'body'],
  ['traces', 'record'],
  ['traces', 'part'],
  ['traces', 'parts'],
]

/** The database of keys and budgets. */
export function createDatabase(context: Context): FirestoreDatabase {
  const { scope, deployment } = context
  const { project, region, dataLocation } = deployment
  const locations: Readonly<Record<string, string>> = { EU: 'eur3', US: 'nam5' }
  const database = new FirestoreDatabase(scope, 'database', {
    project,
    name: context.name('ledger'),
    locationId: locations[dataLocation ?? ''] ?? region,
    type: 'FIRESTORE_NATIVE',
    pointInTimeRecoveryEnablement: 'POINT_IN_TIME_RECOVERY_DISABLED',
    deleteProtectionState: isProtected(context) ? 'DELETE_PROTECTION_ENABLED' : 'DELETE_PROTECTION_DISABLED',
    deletionPolicy: isProtected(context) ? 'ABANDON' : 'DELETE',
  })
  for (const [collection, field] of Object.entries(EXPIRING))
    new FirestoreField(scope, `ttl-${collection}`, {
      ...{ project, database: database.name, collection, field, ttlConfig: {}, indexConfig: {} },
    })
  for (const [collection, field] of UNINDEXED)
    new FirestoreField(scope, `unindexed-${collection}-${field}`, {
      ...{ project, database: database.name, collection, field, indexConfig: {} },
    })
  return database
}
