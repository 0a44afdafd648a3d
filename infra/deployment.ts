import { readFileSync } from 'node:fs'

/** Another system that gets a copy of every span. */
export interface Forward {
  /** The whole address of its OTLP/HTTP endpoint for traces, `/v1/traces` included. */
  readonly url: string
  /** Secret of the project, made beforehand, that holds the headers to send: `key=value,key=value`, values percent-encoded. */
  readonly headersSecret: string
  /** Whose spans are sent. @defaultValue all */
  readonly projects?: readonly string[]
}

/** What a deployment may choose. All else follows from it. */
export interface Deployment {
  /** Google Cloud project, which must exist and have billing. */
  readonly project: string
  /** Of the functions, topics, bucket and jobs, as `europe-west1`. */
  readonly region: string
  /** Of BigQuery and Firestore where they are to be multi-regional: `EU` or `US`, and {@link region} in it. @defaultValue the region */
  readonly dataLocation?: string
  /** Before every name, so that several deployments fit into one project: lower-case letters, digits, dashes. */
  readonly prefix: string
  /** Bucket that keeps Terraform's state; in a local file without one. Must exist. */
  readonly stateBucket?: string
  /** Days, at least one, after which rows are deleted from BigQuery and spans from the bucket; never if absent. */
  readonly retentionDays?: number
  /** Days, by project, after which its spans are deleted from the bucket. BigQuery deletes days as a whole. @defaultValue {@link retentionDays} */
  readonly projectRetentionDays?: Readonly<Record<string, number>>
  /** Instances kept warm, which cost money while idle. @defaultValue 0 */
  readonly minInstances?: number
  /** Most instances of each function; of `warehouse`, which is a third as large, four times as many. @defaultValue {@link MAX_INSTANCES} */
  readonly maxInstances?: number
  /** Largest request body in bytes. @defaultValue 16 MiB */
  readonly maxBodyBytes?: number
  /** Least level that is logged. @defaultValue `info` */
  readonly logLevel?: 'debug' | 'info' | 'warn' | 'error'
  /** Of which traces messages are settled with each other: docs/pricing.md § Across messages. @defaultValue `all` */
  readonly rememberTraces?: 'all' | 'parts'
  /** Where every priced span is sent too; nowhere if absent. */
  readonly forward?: Forward
  /** Who is told of dead letters, backlogs and errors. */
  readonly alertEmails?: readonly string[]
  /** Monthly spend in units of the billing account's currency at which they are told; needs {@link billingAccount}. */
  readonly monthlyBudget?: number
  /** Id of the billing account, as `01AB23-CD45EF-67GH89`, for {@link monthlyBudget}. */
  readonly billingAccount?: string
  /** Host name to serve both URLs under, by a load balancer, which costs money while idle. */
  readonly domain?: string
  /** Keeps Terraform from deleting what holds data. @defaultValue true */
  readonly protectData?: boolean
}

/** Most instances of a function where a deployment does not say. */
export const MAX_INSTANCES = 10

/** What BigQuery's multi-regions hold: its queries read only buckets that are in the same place. */
const MULTI_REGIONS: Readonly<Record<string, RegExp>> = { EU: /^europe-(?!west2$|west6$)/, US: /^us-/ }
/** Of which none would mean that nothing is kept, or nothing runs. */
const COUNTS = ['retentionDays', 'maxInstances', 'maxBodyBytes', 'monthlyBudget']

const TEXTS = ['project', 'region', 'dataLocation', 'prefix', 'stateBucket', 'logLevel', 'billingAccount', 'domain']

/** Reads a deployment from a JSON file; throws an error that names everything wrong with it. */
export function readDeployment(path: string): Deployment {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    throw new Error(`there is no ${path}: copy deployment.example.json there and fill it in`)
  }
  let given: unknown
  try {
    given = JSON.parse(text)
  } catch (error) {
    throw new Error(`${path} is no JSON: ${error instanceof Error ? error.message : error}`)
  }
  return parseDeployment(given)
}

/** Checks what a file holds. */
export function parseDeployment(given: unknown): Deployment {
  if (typeof given !== 'object' || given === null) throw new Error('a deployment is an object')
  const problems = Object.entries(given).flatMap(([name, value]) => checkField(name, value))
  const fields = given as Partial<Record<string, unknown>>
  const { project, region, prefix, dataLocation = region, domain } = fields
  if (project === undefined || !/^[a-z][a-z0-9-]{4,28}[a-z0-9]$/.test(String(project))) problems.push('project: an id')
  if (region === undefined || !/^[a-z]+-[a-z]+\d{1,2}$/.test(String(region))) problems.push('region: as europe-west1')
  if (prefix === undefined || !/^[a-z][a-z0-9-]{0,14}$/.test(String(prefix)))
    problems.push('prefix: up to 15 lower-case letters, digits and dashes')
  if (dataLocation !== region && !MULTI_REGIONS[String(dataLocation)]?.test(String(region)))
    problems.push(
      'dataLocation: the region, or EU or US with the region in it, since BigQuery reads no bucket elsewhere',
    )
  if (Number(fields.minInstances ?? 0) > Number(fields.maxInstances ?? MAX_INSTANCES))
    problems.push('minInstances: no more than maxInstances')
  if (domain !== undefined && !/^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$/.test(String(domain)))
    problems.push('domain: a host name')
  if ((fields.monthlyBudget === undefined) !== (fields.billingAccount === undefined))
    problems.push('monthlyBudget and billingAccount: both or neither')
  if (problems.length > 0) throw new Error(`deployment: ${problems.join('; ')}`)
  return given as Deployment
}

function checkField(name: string, value: unknown): string[] {
  if (name === 'forward') return checkForward(value)
  if (TEXTS.includes(name)) return typeof value === 'string' ? [] : [`${name}: a text`]
  if (COUNTS.includes(name)) return isWhole(value, 1) ? [] : [`${name}: a whole number, at least 1`]
  if (name === 'minInstances') return isWhole(value, 0) ? [] : [`${name}: a whole number`]
  if (name === 'protectData') return typeof value === 'boolean' ? [] : [`${name}: true or false`]
  if (name === 'rememberTraces') return value === 'all' || value === 'parts' ? [] : [`${name}: all or parts`]
  if (name === 'projectRetentionDays') return checkRetention(value) ? [] : [`${name}: projects and their days`]
  if (name !== 'alertEmails') return [`${name}: no such setting`]
  const valid = Array.isArray(value) && value.every((entry) => typeof entry === 'string' && entry.includes('@'))
  return valid ? [] : [`${name}: a list of addresses`]
}

function isWhole(value: unknown, least: number): boolean {
  return Number.isInteger(value) && Number(value) >= least
}

function checkRetention(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).every(([project, days]) => /^[^=,]+$/.test(project) && isWhole(days, 1))
}

function checkForward(value: unknown): string[] {
  const { url, headersSecret, projects = [] } = (value ?? {}) as Partial<Record<string, unknown>>
  const valid =
    /^https?:$/.test(URL.parse(String(url))?.protocol ?? '') &&
    /^[\w-]{1,255}$/.test(String(headersSecret ?? '')) &&
    Array.isArray(projects) &&
    projects.every((project) => typeof project === 'string' && /^[^,]+$/.test(project))
  return valid ? [] : ['forward: an url, the headersSecret of its headers, and projects if not all']
}
