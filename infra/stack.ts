import { DataGoogleProject } from '@cdktf/provider-google/lib/data-google-project/index.js'
import { GoogleProvider } from '@cdktf/provider-google/lib/provider/index.js'
import { RandomProvider } from '@cdktf/provider-random/lib/provider/index.js'
import { TimeProvider } from '@cdktf/provider-time/lib/provider/index.js'
import { GcsBackend, TerraformOutput, TerraformStack } from 'cdktf'
import type { Construct } from 'constructs'
import { FUNCTION_NAMES } from '../shared/platform/functions.ts'
import { enableApis } from './apis.ts'
import type { Context } from './context.ts'
import type { Deployment } from './deployment.ts'
import { createDomain } from './domain.ts'
import { createFirstKey } from './first-key.ts'
import { type Bundles, createFunctions } from './functions.ts'
import { createPullSubscriptions, createPushSubscriptions, createTopics } from './messaging.ts'
import { createMonitoring } from './monitoring.ts'
import { grantRoles } from './roles.ts'
import { createSchedule } from './schedule.ts'
import { createDatabase, createLakeBucket, createSourceBucket } from './storage.ts'
import { createLakeTable, createWarehouse } from './warehouse.ts'

/** The whole of Spanledger on Google Cloud. */
export function createStack(app: Construct, deployment: Deployment, bundles: Bundles): TerraformStack {
  const { project, region, prefix, stateBucket, domain } = deployment
  const stack = new TerraformStack(app, 'spanledger')
  if (stateBucket !== undefined) new GcsBackend(stack, { bucket: stateBucket, prefix: `spanledger/${prefix}` })
  new GoogleProvider(stack, 'google', { project, region, userProjectOverride: true, billingProject: project })
  new RandomProvider(stack, 'random')
  new TimeProvider(stack, 'time')
  const { number: projectNumber } = new DataGoogleProject(stack, 'project', { projectId: project })
  const context: Context = {
    scope: stack,
    deployment,
    functions: FUNCTION_NAMES.filter((name) => name !== 'forward' || deployment.forward !== undefined),
    name: (name) => `${prefix}-${name}`,
    dataset: prefix.replaceAll('-', '_'),
    projectNumber,
    labels: { app: 'spanledger', deployment: prefix },
  }

  enableApis(context)
  const topics = createTopics(context)
  const subscriptions = createPullSubscriptions(context, topics)
  const dataset = createWarehouse(context)
  const bucket = createLakeBucket(context)
  createLakeTable(context, dataset, bucket)
  const database = createDatabase(context)
  const { secret: firstKey, version } = createFirstKey(context)
  const resources = { topics, subscriptions, dataset, bucket, database, firstKey }
  const accounts = grantRoles(context, resources)
  const source = createSourceBucket(context)
  const functions = createFunctions(context, { resources, accounts, bundles, source, firstKey: version })
  createPushSubscriptions(context, topics, functions)
  createSchedule(context, functions)
  createMonitoring(context)

  const { ingest, query } = functions
  const own = (value: string) => (domain === undefined ? value : `https://${domain}`)
  output(stack, 'ingest_url', own(ingest.serviceConfig.uri), 'OTEL_EXPORTER_OTLP_ENDPOINT')
  output(stack, 'query_url', own(query.serviceConfig.uri), 'the reader API')
  output(stack, 'dataset', `${project}.${context.dataset}`, 'the BigQuery dataset')
  output(stack, 'bucket', bucket.name, 'the bucket of the lake')
  output(stack, 'first_key_secret', firstKey.secretId, 'the secret that holds the first API key')
  if (domain !== undefined) {
    const address = createDomain(context, { domain, ingest, query })
    output(stack, 'address', address.address, `what ${domain} must resolve to`)
  }
  return stack
}

function output(stack: TerraformStack, name: string, value: string, description: string): void {
  new TerraformOutput(stack, `output-${name}`, { value, description }).overrideLogicalId(name)
}
