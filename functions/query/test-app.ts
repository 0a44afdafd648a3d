import { createApiKey } from '../../shared/auth/api-key.ts'
import { createAuthenticate } from '../../shared/auth/key-authenticate.ts'
import type { Scope } from '../../shared/auth/key-store.ts'
import { openSqliteKeyStore } from '../../shared/auth/sqlite-key-store.ts'
import type { Conservation } from '../../shared/conservation.ts'
import { EMPTY_LEDGER, type Ledger, type PricedSpan } from '../../shared/spans/ledger.ts'
import type { Span } from '../../shared/spans/span.ts'
import { openSqliteStore } from '../../shared/warehouse/sqlite-store.ts'
import type { TraceStore } from '../../shared/warehouse/trace-store.ts'
import { buildSpan } from '../../test/support/span.ts'
import { createQueryApp, type QueryAppOptions } from './handler.ts'

/** 2026-01-31T09:30:00Z. */
export const START = 1_769_851_800_000_000_000n

/** A span for tests: complete, dull, and what `span` and `ledger` say. */
export function sampleSpan(
  span: Partial<Span> & { readonly service?: string },
  ledger: Partial<Ledger> = {},
): PricedSpan {
  const { service = 'svc', ...rest } = span
  const base = buildSpan({
    start: '2026-01-31T09:30:00Z',
    name: 'chat',
    scope: 'scope',
    scopeVersion: '1',
    resource: { 'service.name': service },
  })
  return { span: { ...base, ...rest }, ledger: { ...EMPTY_LEDGER, ...ledger } }
}

export function traceIdOf(n: number): string {
  return n.toString(16).padStart(32, '0')
}

export function spanIdOf(n: number): string {
  return n.toString(16).padStart(16, '0')
}

const conservation: Conservation = async (projectId) => ({
  projectId,
  accepted: 5n,
  rejected: { 'trace id: all zero': 1n },
  sinks: { warehouse: { stored: 3n, duplicates: 1n, quarantined: 0n, expired: 0n, inFlight: 1n, dead: {} } },
  balanced: true,
})

export interface TestAppOptions extends Partial<QueryAppOptions> {
  /** Further routes, over the same store and keys. */
  readonly mount?: (
    parts: Pick<QueryAppOptions, 'authenticate'> & { readonly reader: TraceStore },
  ) => QueryAppOptions['routes']
}

/** The reader API over a SQLite store that holds `projects`, and what it answers to a key of one of them. */
export async function openTestApp(
  projects: Readonly<Record<string, readonly PricedSpan[]>>,
  { mount, ...options }: TestAppOptions = {},
) {
  const reader = await openSqliteStore({ path: ':memory:' })
  const batches = Object.entries(projects).map(([project, spans]) => ({
    context: { project, digest: `digest-${project}`, ingestedAt: START + 5n, keyId: 'k1' },
    spans,
  }))
  await reader.write(batches.filter(({ spans }) => spans.length > 0))
  const keys = openSqliteKeyStore(':memory:')
  const keyOf = async (project: string, scopes: readonly Scope[] = ['read']) => {
    const { key, token } = createApiKey({ project, scopes, name: '', now: 0 })
    await keys.create(key)
    return token
  }
  const tokens = new Map<string, string>()
  for (const project of Object.keys(projects)) tokens.set(project, await keyOf(project))
  const authenticate = createAuthenticate({ keys, requireKeys: true })
  const routes = mount?.({ reader, authenticate }) ?? []
  const app = createQueryApp({ reader, conservation, authenticate, routes, ...options })
  const request = (path: string, project = Object.keys(projects)[0] ?? '', init: RequestInit = {}) =>
    app.request(path, { ...init, headers: { authorization: `Bearer ${tokens.get(project)}`, ...init.headers } })
  const get = async <T>(path: string, project?: string): Promise<T> => {
    const response = await request(path, project)
    if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as T
  }
  return { app, reader, keyOf, request, get }
}

/** `?a=1&a=2&b=3`, encoded. */
export function query(parameters: Readonly<Record<string, string | number | readonly string[] | undefined>>): string {
  const pairs = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().map((one): [string, string] => [name, String(one)]),
  )
  return `?${new URLSearchParams(pairs)}`
}
