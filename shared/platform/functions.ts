import type { Subscription } from '../bus/bus.ts'
import type { PubsubSubscription } from '../bus/pubsub-names.ts'
import { type Config, readConfig } from '../config.ts'

/** A setting's name. */
export type Setting = keyof Config

/** How a function is called: by anyone with an API key, by Pub/Sub's pushes, or by a schedule, to pull what waits. */
export type FunctionTrigger =
  | { readonly kind: 'http' }
  | { readonly kind: 'push'; readonly subscription: Subscription }
  | { readonly kind: 'schedule'; readonly subscriptions: readonly PubsubSubscription[] }

export interface FunctionFacts {
  readonly trigger: FunctionTrigger
  /** All that it reads of its environment. */
  readonly settings: readonly Setting[]
}

const BUS = ['SPANLEDGER_GCP_PROJECT', 'SPANLEDGER_GCP_PREFIX', 'SPANLEDGER_LOG_LEVEL'] as const
const KEYS = ['SPANLEDGER_GCP_DATABASE', 'SPANLEDGER_FIRST_KEY'] as const

/** The functions that are deployed, each from its folder in `functions/`. Bundles and infrastructure follow from this list. */
export const FUNCTIONS = {
  ingest: {
    trigger: { kind: 'http' },
    settings: [
      ...BUS,
      ...KEYS,
      'SPANLEDGER_MAX_BODY_BYTES',
      'SPANLEDGER_MAX_IN_FLIGHT_BYTES',
      'SPANLEDGER_MAX_ATTRIBUTES',
      'SPANLEDGER_MAX_ATTRIBUTE_BYTES',
      'SPANLEDGER_MAX_DEPTH',
      'SPANLEDGER_MAX_NAME_BYTES',
      'SPANLEDGER_MAX_RESOURCE_BYTES',
      'SPANLEDGER_MAX_OBJECTS',
    ],
  },
  price: {
    trigger: { kind: 'push', subscription: 'price' },
    settings: [...BUS, 'SPANLEDGER_GCP_DATABASE', 'SPANLEDGER_REMEMBER_TRACES'],
  },
  budget: { trigger: { kind: 'push', subscription: 'budget' }, settings: [...BUS, 'SPANLEDGER_GCP_DATABASE'] },
  notify: { trigger: { kind: 'push', subscription: 'notify' }, settings: [...BUS, 'SPANLEDGER_GCP_DATABASE'] },
  warehouse: { trigger: { kind: 'push', subscription: 'warehouse' }, settings: [...BUS, 'SPANLEDGER_GCP_DATASET'] },
  // Deployed only where there is somewhere to forward to.
  forward: {
    trigger: { kind: 'push', subscription: 'forward' },
    settings: [...BUS, 'SPANLEDGER_FORWARD_URL', 'SPANLEDGER_FORWARD_HEADERS', 'SPANLEDGER_FORWARD_PROJECTS'],
  },
  lake: {
    trigger: { kind: 'schedule', subscriptions: ['lake'] },
    settings: [
      ...BUS,
      'SPANLEDGER_GCP_BUCKET',
      'SPANLEDGER_LAKE_FLUSH_BYTES',
      'SPANLEDGER_LAKE_CODEC',
      'SPANLEDGER_LAKE_PAST_DAYS',
      'SPANLEDGER_LAKE_FUTURE_DAYS',
      'SPANLEDGER_LAKE_GRACE_MS',
      'SPANLEDGER_LAKE_RETENTION',
    ],
  },
  books: {
    trigger: { kind: 'schedule', subscriptions: ['intake', 'buried'] },
    settings: [
      ...BUS,
      'SPANLEDGER_GCP_DATASET',
      'SPANLEDGER_GCP_DATABASE',
      'SPANLEDGER_GCP_MAX_QUERY_BYTES',
      'SPANLEDGER_WAREHOUSE_RETENTION_DAYS',
    ],
  },
  query: {
    trigger: { kind: 'http' },
    settings: [...BUS, ...KEYS, 'SPANLEDGER_GCP_DATASET', 'SPANLEDGER_GCP_BUCKET', 'SPANLEDGER_GCP_MAX_QUERY_BYTES'],
  },
} as const satisfies Record<string, FunctionFacts>

export type FunctionName = keyof typeof FUNCTIONS
export const FUNCTION_NAMES = Object.keys(FUNCTIONS) as readonly FunctionName[]

/** The subscriptions that function `name` consumes. */
export function subscriptionsOf(name: FunctionName): readonly PubsubSubscription[] {
  const { trigger }: FunctionFacts = FUNCTIONS[name]
  if (trigger.kind === 'http') return []
  return trigger.kind === 'push' ? [trigger.subscription] : trigger.subscriptions
}

/** What function `name` may read. */
export type FunctionConfig<Name extends FunctionName> = Pick<Config, (typeof FUNCTIONS)[Name]['settings'][number]>

/** Reads what function `name` may read, and nothing else, so that what is not deployed cannot be relied on. */
export function readFunctionConfig<Name extends FunctionName>(
  name: Name,
  env: Record<string, string | undefined> = process.env,
): FunctionConfig<Name> {
  const settings: readonly Setting[] = FUNCTIONS[name].settings
  const given = readConfig(Object.fromEntries(settings.map((setting) => [setting, env[setting]])))
  return Object.fromEntries(settings.map((setting) => [setting, given[setting]])) as FunctionConfig<Name>
}
