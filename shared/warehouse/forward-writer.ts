import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { SpanledgerError } from '../errors.ts'
import { encodeTraces } from '../otlp/encode.ts'
import { ledgerAttributes, type PricedSpan } from '../spans/ledger.ts'
import type { Span } from '../spans/span.ts'
import type { SpanBatch, SpanWriter } from './trace-store.ts'

const compress = promisify(gzip)

/** Where spans are forwarded to. */
export interface ForwardOptions {
  /** The whole address of an OTLP/HTTP endpoint for traces, `/v1/traces` included. */
  readonly url: string
  /** Sent with every request; never logged, never in an error. */
  readonly headers?: Readonly<Record<string, string>>
  /** The projects whose spans are forwarded; all if empty. */
  readonly projects?: readonly string[]
  /** For one request, in milliseconds. Default 10,000. */
  readonly timeoutMs?: number
  /** Requests for the same spans before the write fails. Default 4. */
  readonly maxAttempts?: number
  /** The pause after the first failure, in milliseconds; doubled after each further one. Default 500. */
  readonly backoffMs?: number
  /** The longest pause, whatever the endpoint asks for, in milliseconds. Default 30,000. */
  readonly maxBackoffMs?: number
}

/** Spans of one request, unless a single batch has more. */
const MAX_REQUEST_SPANS = 4096

/**
 * A writer that sends the clients' spans, with what Spanledger found out in `spanledger.` attributes, to another system.
 * At least once: when a write is tried again, what has arrived before is sent again, and its receiver tells by the ids.
 * What the endpoint refuses for its content is `store/rejected`; while it cannot be reached, is busy or does not accept us
 * (wrong address or key), `store/unavailable`.
 */
export function createForwardWriter(options: ForwardOptions): SpanWriter {
  const { url, headers = {}, projects = [], timeoutMs = 10_000, maxAttempts = 4 } = options
  const { backoffMs = 500, maxBackoffMs = 30_000 } = options
  const wanted = new Set(projects)
  const closing = new AbortController()

  return {
    async write(given) {
      const batches = [...given]
      const forwarded = batches.filter(({ context }) => wanted.size === 0 || wanted.has(context.project))
      for (const spans of requests(forwarded)) await send(await compress(encodeTraces(spans)))
      return batches.map((batch) => ({ stored: forwarded.includes(batch) ? batch.spans.length : 0, duplicates: 0 }))
    },
    async close() {
      closing.abort()
    },
  }

  async function send(body: Uint8Array<ArrayBuffer>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const answer = await post(body)
      if (answer.kind === 'accepted') return
      if (answer.kind === 'refused') throw new SpanledgerError('store/rejected', answer.reason)
      if (answer.kind === 'misaddressed' || attempt >= maxAttempts || closing.signal.aborted) {
        throw new SpanledgerError('store/unavailable', answer.reason)
      }
      // Full jitter: many writers that failed together must not come back together.
      const backoff = Math.random() * backoffMs * 2 ** (attempt - 1)
      const pause = Math.min(maxBackoffMs, Math.max(backoff, answer.retryAfterMs))
      await sleep(pause, undefined, { signal: closing.signal }).catch(() => undefined)
    }
  }

  async function post(body: Uint8Array<ArrayBuffer>): Promise<Answer> {
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/x-protobuf', 'content-encoding': 'gzip' },
        body,
        // A redirect would carry the headers to another host.
        redirect: 'manual',
        signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), closing.signal]),
      })
      await response.body?.cancel()
      return readAnswer(response)
    } catch (error) {
      const timedOut = error instanceof Error && error.name === 'TimeoutError'
      const problem = timedOut ? `did not answer within ${timeoutMs} ms` : 'cannot be reached'
      return { kind: 'busy', reason: `the forward endpoint ${problem}`, retryAfterMs: 0 }
    }
  }
}

type Answer =
  | { readonly kind: 'accepted' }
  /** The spans are at fault: the same request would be refused again. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** Our configuration is at fault. */
  | { readonly kind: 'misaddressed'; readonly reason: string }
  | { readonly kind: 'busy'; readonly reason: string; readonly retryAfterMs: number }

function readAnswer({ status, ok, headers }: Response): Answer {
  const reason = `the forward endpoint answered ${status}`
  if (ok) return { kind: 'accepted' }
  if (status === 408 || status === 429 || status >= 500) {
    return { kind: 'busy', reason, retryAfterMs: readRetryAfter(headers.get('retry-after')) }
  }
  const misaddressed = status < 400 || [401, 403, 404, 405].includes(status)
  return { kind: misaddressed ? 'misaddressed' : 'refused', reason }
}

/** `Retry-After` in milliseconds: it comes in seconds or as a date; 0 where it says nothing. */
function readRetryAfter(value: string | null): number {
  if (value === null) return 0
  const millis = /^\d+$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - Date.now()
  return Number.isFinite(millis) && millis > 0 ? millis : 0
}

/** The spans of as many batches as fit into a request, one request after another. */
function* requests(batches: readonly SpanBatch[]): Generator<readonly Span[]> {
  let spans: Span[] = []
  for (const batch of batches) {
    if (spans.length > 0 && spans.length + batch.spans.length > MAX_REQUEST_SPANS) {
      yield spans
      spans = []
    }
    for (const priced of batch.spans) spans.push(withLedger(priced))
  }
  if (spans.length > 0) yield spans
}

function withLedger({ span, ledger }: PricedSpan): Span {
  const additions = ledgerAttributes(ledger)
  if (additions.size === 0) return span
  return { ...span, attributes: new Map([...span.attributes, ...additions]) }
}
