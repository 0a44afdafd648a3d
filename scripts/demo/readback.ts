import { setTimeout as sleep } from 'node:timers/promises'
import type { SentTrace } from './send.ts'

/** The reader API of a running server. */
export interface Reader {
  readonly url: string
  readonly headers: Record<string, string>
}

/** What one model has cost, as `GET /ledger/v1/usage` says. */
export interface ModelSpend {
  readonly group: { readonly provider: string; readonly model: string }
  readonly calls: number
  readonly usage: { readonly inputTokens: number | null; readonly outputTokens: number | null }
  readonly cost: { readonly picoUsd: string | null; readonly usd: number | null; readonly unknownSpans: number }
}

/** What everything has cost, and each model. */
export interface Spend {
  readonly totals: Omit<ModelSpend, 'group'> & { readonly requests: number; readonly errors: number }
  /** Dearest first. */
  readonly groups: readonly ModelSpend[]
}

const POLL_MS = 100
const PATIENCE_MS = 60_000

/** Resolves when every trace can be read in full. Rejects when the server refuses, or after a minute. */
export async function awaitTraces(reader: Reader, traces: readonly SentTrace[]): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS
  for (const { traceId, spanCount } of traces) {
    while ((await readSpanCount(reader, traceId)) < spanCount) {
      if (Date.now() > deadline) throw new Error(`trace ${traceId} is not there in full after a minute`)
      await sleep(POLL_MS)
    }
  }
}

/** Spend of the demo by provider and model since `from`. */
export async function spendByModel(reader: Reader, from: Date): Promise<Spend> {
  const query = new URLSearchParams({ groupBy: 'provider,model', environment: 'demo', from: from.toISOString() })
  const response = await get(reader, `/ledger/v1/usage?${query}`)
  if (!response.ok) throw new Error(await problem(response))
  return (await response.json()) as Spend
}

async function readSpanCount(reader: Reader, traceId: string): Promise<number> {
  const response = await get(reader, `/ledger/v1/traces/${traceId}`)
  if (response.ok) return ((await response.json()) as { spanCount: number }).spanCount
  if (response.status === 404) return 0
  throw new Error(await problem(response))
}

async function get({ url, headers }: Reader, path: string): Promise<Response> {
  try {
    return await fetch(url + path, { headers })
  } catch (cause) {
    throw new Error(`the server at ${url} does not answer any more; what it said last says why`, { cause })
  }
}

/** What an `application/problem+json` answer says. */
async function problem(response: Response): Promise<string> {
  const { detail } = (await response.json().catch(() => ({}))) as { detail?: string }
  return `the server answered ${response.status}${detail === undefined ? '' : `: ${detail}`}`
}
