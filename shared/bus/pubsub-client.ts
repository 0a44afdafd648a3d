import { PubSub, v1 } from '@google-cloud/pubsub'
import { SpanledgerError } from '../errors.ts'
import type { RetryOptions } from '../retry.ts'
import type { PubsubNames } from './pubsub-names.ts'

/** Where topics and subscriptions are, and how hard to try. */
export interface PubsubOptions extends PubsubNames {
  /** `host:port` of another server than Google's; no credentials are sent to it. */
  readonly apiEndpoint?: string
  /** Of every request. */
  readonly retry?: RetryOptions
}

/** gRPC codes that a later try may not meet: cancelled, unknown, deadline, quota, aborted, internal, unavailable. */
const TRANSIENT: ReadonlySet<unknown> = new Set([1, 2, 4, 8, 10, 13, 14])

/** What both clients need to reach Google's servers or the given one. */
async function clientConfig({ projectId, apiEndpoint }: PubsubOptions) {
  const pubsub = new PubSub({ projectId, ...(apiEndpoint !== undefined && { apiEndpoint, emulatorMode: true }) })
  const { servicePath, port, sslCreds } = await pubsub.getClientConfig()
  await pubsub.close()
  return {
    projectId,
    ...(servicePath !== undefined && { servicePath }),
    ...(port !== undefined && { port: Number(port) }),
    ...(sslCreds !== undefined && { sslCreds }),
  }
}

export async function createPublisherClient(options: PubsubOptions): Promise<v1.PublisherClient> {
  return new v1.PublisherClient(await clientConfig(options))
}

export async function createSubscriberClient(options: PubsubOptions): Promise<v1.SubscriberClient> {
  return new v1.SubscriberClient(await clientConfig(options))
}

/** Whether a request may be repeated. Every request of ours may be made twice. */
export function isTransient(error: unknown): boolean {
  return error instanceof Error && 'code' in error && TRANSIENT.has(error.code)
}

/** The error of the port for a client's error. */
export function unavailable(what: string, cause: unknown): SpanledgerError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : 'no answer'
  const hint =
    code === 5 ? 'it is missing: deploy infra' : code === 7 ? 'grant the function access to it' : 'try again later'
  return new SpanledgerError('bus/unavailable', `cannot ${what} (gRPC ${code}): ${hint}`, { cause })
}
