import { BigqueryDatasetIamMember } from '@cdktf/provider-google/lib/bigquery-dataset-iam-member/index.js'
import { ProjectIamMember } from '@cdktf/provider-google/lib/project-iam-member/index.js'
import { PubsubSubscriptionIamMember } from '@cdktf/provider-google/lib/pubsub-subscription-iam-member/index.js'
import { PubsubTopicIamMember } from '@cdktf/provider-google/lib/pubsub-topic-iam-member/index.js'
import { SecretManagerSecretIamMember } from '@cdktf/provider-google/lib/secret-manager-secret-iam-member/index.js'
import { ServiceAccount } from '@cdktf/provider-google/lib/service-account/index.js'
import { StorageBucketIamMember } from '@cdktf/provider-google/lib/storage-bucket-iam-member/index.js'
import { Sleep } from '@cdktf/provider-time/lib/sleep/index.js'
import type { ITerraformDependable } from 'cdktf'
import type { PubsubSubscription, PubsubTopic } from '../shared/bus/pubsub-names.ts'
import type { FunctionName } from '../shared/platform/functions.ts'
import { SETTLING } from './apis.ts'
import type { Context } from './context.ts'
import type { Resources } from './resources.ts'

/** One permission of a function, on one thing where Google allows that. */
export type Grant =
  | { readonly on: 'topic'; readonly name: PubsubTopic; readonly role: string }
  | { readonly on: 'subscription'; readonly name: PubsubSubscription; readonly role: string }
  | { readonly on: 'dataset' | 'bucket' | 'first-key' | 'forward-headers' | 'project'; readonly role: string }
  /** Everything of its kind in the project, but for the lake. */
  | { readonly on: 'all-but-lake'; readonly role: string }
  /** Firestore has no permissions below the project: a condition narrows them to our database. */
  | { readonly on: 'database'; readonly role: string }

const publish = (name: PubsubTopic): Grant => ({ on: 'topic', name, role: 'roles/pubsub.publisher' })
const pull = (name: PubsubSubscription): Grant => ({ on: 'subscription', name, role: 'roles/pubsub.subscriber' })

/** All that each function may do. What is not here is not granted. */
const GRANTS: Readonly<Record<FunctionName, readonly Grant[]>> = {
  ingest: [
    publish('spans'),
    publish('intake'),
    { on: 'database', role: 'roles/datastore.viewer' },
    { on: 'first-key', role: 'roles/secretmanager.secretAccessor' },
  ],
  price: [publish('priced-spans'), publish('dead-letter'), { on: 'database', role: 'roles/datastore.user' }],
  budget: [publish('budget-alerts'), publish('dead-letter'), { on: 'database', role: 'roles/datastore.user' }],
  notify: [publish('dead-letter'), { on: 'database', role: 'roles/datastore.viewer' }],
  warehouse: [publish('intake'), publish('dead-letter'), { on: 'dataset', role: 'roles/bigquery.dataEditor' }],
  forward: [publish('dead-letter'), { on: 'forward-headers', role: 'roles/secretmanager.secretAccessor' }],
  lake: [publish('dead-letter'), pull('lake'), { on: 'bucket', role: 'roles/storage.objectUser' }],
  books: [
    pull('intake'),
    pull('buried'),
    { on: 'dataset', role: 'roles/bigquery.dataEditor' },
    { on: 'project', role: 'roles/bigquery.jobUser' },
    { on: 'database', role: 'roles/datastore.user' },
  ],
  query: [
    // Repricing publishes corrections.
    publish('priced-spans'),
    { on: 'dataset', role: 'roles/bigquery.dataViewer' },
    { on: 'project', role: 'roles/bigquery.jobUser' },
    { on: 'bucket', role: 'roles/storage.objectViewer' },
    { on: 'database', role: 'roles/datastore.user' },
    { on: 'first-key', role: 'roles/secretmanager.secretAccessor' },
  ],
}

/** Google's documented minimum for building functions by an account of one's own, but for the spans: builds run what dependencies bring. */
const BUILD_GRANTS: readonly Grant[] = [
  { on: 'project', role: 'roles/logging.logWriter' },
  { on: 'project', role: 'roles/artifactregistry.writer' },
  { on: 'all-but-lake', role: 'roles/storage.objectViewer' },
]

/** Who runs the functions, and who builds them. */
export interface Accounts {
  readonly functions: Readonly<Record<FunctionName, ServiceAccount>>
  readonly build: ServiceAccount
  /** After which all that is granted here holds: a function whose secret or build is still denied is not made. */
  readonly granted: Sleep
}

/** A service account for each function and one for their builds, with their grants and nothing more. */
export function grantRoles(context: Context, resources: Resources): Accounts {
  const { scope, deployment } = context
  const bindings: ITerraformDependable[] = []
  const create = (name: string, displayName: string, grants: readonly Grant[]) => {
    const account = new ServiceAccount(scope, `account-${name}`, {
      project: deployment.project,
      accountId: context.name(name),
      displayName,
    })
    for (const [index, grant] of grants.entries())
      bindings.push(bind(context, resources, { id: `grant-${name}-${index}`, member: account.member, grant }))
    return account
  }
  const accounts = context.functions.map((name) => [name, create(name, `Spanledger ${name}`, GRANTS[name])] as const)
  const build = create('build', 'Spanledger: builds functions', BUILD_GRANTS)
  const granted = new Sleep(scope, 'roles-settled', {
    createDuration: SETTLING,
    triggers: { grants: JSON.stringify([GRANTS, BUILD_GRANTS]) },
    dependsOn: bindings,
  })
  return { functions: Object.fromEntries(accounts) as Accounts['functions'], build, granted }
}

interface Binding {
  readonly id: string
  readonly member: string
  readonly grant: Grant
}

function bind(
  { scope, deployment: { project, forward } }: Context,
  resources: Resources,
  { id, member, grant }: Binding,
): ITerraformDependable {
  const { role } = grant
  switch (grant.on) {
    case 'topic':
      return new PubsubTopicIamMember(scope, id, { project, topic: resources.topics[grant.name].name, role, member })
    case 'subscription': {
      const { name: subscription } = resources.subscriptions[grant.name]!
      return new PubsubSubscriptionIamMember(scope, id, { project, subscription, role, member })
    }
    case 'dataset':
      return new BigqueryDatasetIamMember(scope, id, { project, datasetId: resources.dataset.datasetId, role, member })
    case 'bucket':
      return new StorageBucketIamMember(scope, id, { bucket: resources.bucket.name, role, member })
    case 'first-key':
      return new SecretManagerSecretIamMember(scope, id, {
        project,
        secretId: resources.firstKey.secretId,
        role,
        member,
      })
    case 'forward-headers':
      return new SecretManagerSecretIamMember(scope, id, { project, secretId: forward!.headersSecret, role, member })
    case 'project':
      return new ProjectIamMember(scope, id, { project, role, member })
    case 'all-but-lake': {
      const expression = `!resource.name.startsWith("projects/_/buckets/${resources.bucket.name}")`
      const condition = { title: 'all but the lake', expression }
      return new ProjectIamMember(scope, id, { project, role, member, condition })
    }
    case 'database': {
      const title = `only ${resources.database.name}`
      const expression = `resource.name == "projects/${project}/databases/${resources.database.name}"`
      return new ProjectIamMember(scope, id, { project, role, member, condition: { title, expression } })
    }
  }
}
