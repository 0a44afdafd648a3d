import type { Amounts } from './amount.ts'
import type { GrantedLease, LeaseClientOptions } from './lease-client.ts'
import type { Subject } from './selector.ts'

export interface HttpLeasesOptions {
  /** Of the server, as `http://localhost:4318`. */
  readonly url: string
  /** API key with the scope `ingest`, where the server demands one. */
  readonly key?: string
  /** What the calls are: which budgets apply follows from it. */
  readonly subject?: Subject
  /** How long a lease lives unless it grows. @defaultValue 300 */
  readonly ttlSeconds?: number
  /** For one request, in milliseconds. @defaultValue 5,000 */
  readonly timeoutMs?: number
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

interface LeaseJson {
  readonly leaseId: string
  readonly state: string
  readonly granted: { readonly picoUsd: string; readonly tokens: number; readonly requests: number }
  readonly expiresAt: string
}

/** How a `LeaseClient` reaches a server: rejects with an error that says what it answered, or that it did not. */
export function createHttpLeases(options: HttpLeasesOptions): Pick<LeaseClientOptions, 'lease' | 'giveBack'> {
  const { url, key, subject = {}, ttlSeconds = 300, timeoutMs = 5_000, fetch: send = fetch, now = Date.now } = options
  const headers = { 'content-type': 'application/json', ...(key !== undefined && { authorization: `Bearer ${key}` }) }

  function post(verb: string, body: object): Promise<Response> {
    const signal = AbortSignal.timeout(timeoutMs)
    return send(`${url}/ledger/v1/budgets:${verb}`, { method: 'POST', headers, body: JSON.stringify(body), signal })
  }

  return {
    async lease(idempotencyKey, total): Promise<GrantedLease | null> {
      const asked = now()
      const response = await post('lease', { idempotencyKey, subject, amount: amountsJson(total), ttlSeconds })
      if (response.status === 402) return null
      const { leaseId, state, granted, expiresAt } = (await readAnswer(response)) as LeaseJson
      const { picoUsd, tokens, requests } = granted
      // Clocks differ: what counts is how long it lives from when it was asked for. One that has ended lives no more.
      const serverNow = Date.parse(response.headers.get('date') ?? '')
      const lives = Number.isNaN(serverNow) ? ttlSeconds * 1_000 : Date.parse(expiresAt) - serverNow
      return {
        leaseId,
        granted: { usd: BigInt(picoUsd), tokens: BigInt(tokens), requests: BigInt(requests) },
        expiresAt: state === 'open' ? asked + Math.min(lives, ttlSeconds * 1_000) : 0,
      }
    },
    giveBack: async (leaseId, used) => readAnswer(await post('return', { leaseId, used: amountsJson(used) })),
  }
}

function amountsJson({ usd, tokens, requests }: Amounts): object {
  return {
    ...(usd !== undefined && { picoUsd: usd.toString() }),
    ...(tokens !== undefined && { tokens: Number(tokens) }),
    ...(requests !== undefined && { requests: Number(requests) }),
  }
}

async function readAnswer(response: Response): Promise<unknown> {
  if (response.ok) return response.json()
  const text = await response.text()
  throw new Error(`the server answered ${response.status}: ${text.slice(0, 500)}`)
}
