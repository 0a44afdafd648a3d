import { CloudRunServiceIamMember } from '@cdktf/provider-google/lib/cloud-run-service-iam-member/index.js'
import { Cloudfunctions2Function } from '@cdktf/provider-google/lib/cloudfunctions2-function/index.js'
import type { SecretManagerSecretVersion } from '@cdktf/provider-google/lib/secret-manager-secret-version/index.js'
import type { StorageBucket } from '@cdktf/provider-google/lib/storage-bucket/index.js'
import { StorageBucketObject } from '@cdktf/provider-google/lib/storage-bucket-object/index.js'
import { readConfig } from '../shared/config.ts'
import { FUNCTIONS, type FunctionName, type Setting } from '../shared/platform/functions.ts'
import type { Context } from './context.ts'
import { type Deployment, MAX_INSTANCES } from './deployment.ts'
import type { Resources } from './resources.ts'
import type { Accounts } from './roles.ts'

const RUNTIME = 'nodejs24'

/** How a function is run. */
interface Sizing {
  readonly memory: string
  readonly cpu: string
  /** Requests that one instance takes at a time. */
  readonly concurrency: number
  readonly timeoutSeconds: number
  /** Fewer than the deployment allows, where more would only be in each other's way. */
  readonly maxInstances?: number
  /** So many times the instances that the deployment allows. */
  readonly times?: number
  /** Of V8's heap, in MiB, where Node left to itself would grow beyond the memory before it collects what it could. */
  readonly heapMib?: number
}

/**
 * Memory holds concurrency times the largest request, thrice: as sent, decompressed, decoded. Cloud Run gives less than a whole vCPU to a function only
 * with at most 512 MiB and one request at a time.
 */
export const SIZING: Readonly<Record<FunctionName, Sizing>> = {
  ingest: { memory: '1Gi', cpu: '1', concurrency: 16, timeoutSeconds: 60 },
  price: { memory: '1Gi', cpu: '1', concurrency: 16, timeoutSeconds: 100 },
  budget: { memory: '512Mi', cpu: '1', concurrency: 8, timeoutSeconds: 100 },
  // Each alert waits for its receivers.
  notify: { memory: '512Mi', cpu: '1', concurrency: 16, timeoutSeconds: 60 },
  // It waits for BigQuery nine tenths of its time, and shares nothing between messages.
  warehouse: { memory: '512Mi', cpu: '0.333', concurrency: 1, timeoutSeconds: 100, times: 4, heapMib: 256 },
  // It waits for another system.
  forward: { memory: '512Mi', cpu: '1', concurrency: 8, timeoutSeconds: 100 },
  // Its scratch files are in memory too.
  lake: { memory: '4Gi', cpu: '2', concurrency: 1, timeoutSeconds: 540, maxInstances: 1 },
  // Once a day it compares all budgets with the stored spans.
  books: { memory: '512Mi', cpu: '1', concurrency: 1, timeoutSeconds: 540, maxInstances: 1 },
  query: { memory: '512Mi', cpu: '1', concurrency: 20, timeoutSeconds: 60 },
}

/** A bundle as `npm run bundle` made it. */
export interface Bundle {
  /** Of the zip file, from the folder in which Terraform runs, or absolute. */
  readonly path: string
  readonly sha256: string
}
export type Bundles = Readonly<Record<FunctionName, Bundle>>

export interface FunctionsOptions {
  readonly resources: Resources
  readonly accounts: Accounts
  readonly bundles: Bundles
  readonly source: StorageBucket
  readonly firstKey: SecretManagerSecretVersion
}

/** The functions. Only those that check API keys may be called by anyone; the others cannot be reached from outside. */
export function createFunctions(
  context: Context,
  options: FunctionsOptions,
): Readonly<Record<FunctionName, Cloudfunctions2Function>> {
  const entries = context.functions.map((name) => [name, createFunction(context, options, name)] as const)
  return Object.fromEntries(entries) as Record<FunctionName, Cloudfunctions2Function>
}

function createFunction(context: Context, options: FunctionsOptions, name: FunctionName): Cloudfunctions2Function {
  const { scope, deployment, labels } = context
  const { project, region, minInstances = 0, maxInstances = MAX_INSTANCES } = deployment
  const { resources, accounts, bundles, source } = options
  const {
    memory,
    cpu,
    concurrency,
    timeoutSeconds,
    times = 1,
    maxInstances: most = maxInstances * times,
  } = SIZING[name]
  const isPublic = FUNCTIONS[name].trigger.kind === 'http'
  const archive = new StorageBucketObject(scope, `source-${name}`, {
    name: `${name}-${bundles[name].sha256}.zip`,
    bucket: source.name,
    source: bundles[name].path,
  })
  const plain = environment(context, resources, name)
  const secrets = secretEnvironment(context, options, name)
  const deployed = new Cloudfunctions2Function(scope, `function-${name}`, {
    project,
    location: region,
    name: context.name(name),
    labels,
    buildConfig: {
      runtime: RUNTIME,
      entryPoint: name,
      serviceAccount: accounts.build.id,
      source: { storageSource: { bucket: source.name, object: archive.name } },
    },
    serviceConfig: {
      serviceAccountEmail: accounts.functions[name].email,
      environmentVariables: plain,
      ...(secrets.length > 0 && { secretEnvironmentVariables: secrets }),
      availableMemory: memory,
      availableCpu: cpu,
      maxInstanceRequestConcurrency: concurrency,
      minInstanceCount: isPublic ? minInstances : 0,
      maxInstanceCount: Math.min(most, maxInstances * times),
      timeoutSeconds,
      ingressSettings: ingress(isPublic, deployment.domain !== undefined),
      allTrafficOnLatestRevision: true,
    },
    dependsOn: [accounts.granted],
  })
  if (isPublic)
    new CloudRunServiceIamMember(scope, `invoke-${name}`, {
      ...{ project, location: region, service: deployed.name, role: 'roles/run.invoker', member: 'allUsers' },
    })
  return deployed
}

function ingress(isPublic: boolean, hasDomain: boolean): string {
  if (!isPublic) return 'ALLOW_INTERNAL_ONLY'
  return hasDomain ? 'ALLOW_INTERNAL_AND_GCLB' : 'ALLOW_ALL'
}

const DEFAULTS = readConfig({})

/** What a function reads of its environment: as the deployment decides, else the default, so that it can be seen and changed there. */
function environment({ deployment, ...context }: Context, resources: Resources, name: FunctionName) {
  const values: Partial<Record<Setting, string>> = {
    SPANLEDGER_GCP_PROJECT: deployment.project,
    SPANLEDGER_GCP_PREFIX: deployment.prefix,
    SPANLEDGER_GCP_DATASET: context.dataset,
    SPANLEDGER_GCP_BUCKET: resources.bucket.name,
    SPANLEDGER_GCP_DATABASE: resources.database.name,
    SPANLEDGER_WAREHOUSE_RETENTION_DAYS: String(deployment.retentionDays ?? 0),
    SPANLEDGER_LOG_LEVEL: deployment.logLevel ?? 'info',
    SPANLEDGER_LAKE_RETENTION: lakeRetention(deployment),
    SPANLEDGER_FORWARD_URL: deployment.forward?.url ?? '',
    SPANLEDGER_FORWARD_PROJECTS: deployment.forward?.projects?.join(',') ?? '',
    ...(deployment.rememberTraces !== undefined && { SPANLEDGER_REMEMBER_TRACES: deployment.rememberTraces }),
    ...(deployment.maxBodyBytes !== undefined && { SPANLEDGER_MAX_BODY_BYTES: String(deployment.maxBodyBytes) }),
  }
  const settings: readonly Setting[] = FUNCTIONS[name].settings
  const plain = settings
    .filter((setting) => !SECRET.has(setting))
    .map((setting) => [setting, values[setting] ?? String(DEFAULTS[setting])] as const)
  // Refused here, not by a function that does not start.
  readConfig(Object.fromEntries(plain))
  const { heapMib } = SIZING[name]
  const heap = heapMib === undefined ? {} : { NODE_OPTIONS: `--max-old-space-size=${heapMib}` }
  return { ...Object.fromEntries(plain.filter(([, value]) => value !== '')), ...heap }
}

/** Settings that only Secret Manager holds. */
const SECRET: ReadonlySet<Setting> = new Set<Setting>(['SPANLEDGER_FIRST_KEY', 'SPANLEDGER_FORWARD_HEADERS'])

function secretEnvironment(
  { deployment: { project, forward } }: Context,
  { resources, firstKey }: FunctionsOptions,
  name: FunctionName,
) {
  const known = {
    SPANLEDGER_FIRST_KEY: { secret: resources.firstKey.secretId, version: firstKey.version },
    SPANLEDGER_FORWARD_HEADERS: { secret: forward?.headersSecret ?? '', version: 'latest' },
  }
  const settings: readonly Setting[] = FUNCTIONS[name].settings
  return Object.entries(known)
    .filter(([setting]) => settings.includes(setting as Setting))
    .map(([key, where]) => ({ key, projectId: project, ...where }))
}

/** Days for all projects, then those of single ones: `400,trial=30`. */
function lakeRetention({ retentionDays = 0, projectRetentionDays = {} }: Deployment): string {
  return [retentionDays, ...Object.entries(projectRetentionDays).map(([name, days]) => `${name}=${days}`)].join(',')
}
