import { gzipSync } from 'node:zlib'
import { createIngestApp } from '../../functions/ingest/handler.ts'
import type { Message } from '../../shared/bus/bus.ts'
import { decodeSpans } from '../../shared/otlp/batch.ts'
import { DEFAULT_LIMITS } from '../../shared/otlp/limits.ts'
import { mutate } from './mutate.ts'
import { createRandom, type Random } from './random.ts'
import { SEEDS } from './seeds.ts'

const MAX_FAILURES = 10
const MAX_BODY_BYTES = 1024 * 1024

/** What came of a run. Times in milliseconds, sizes in bytes. */
export interface FuzzReport {
  readonly payloads: number
  readonly seed: number
  /** Answers by status; `partial` are those of 200 that rejected spans. */
  readonly statuses: Readonly<Record<string, number>>
  readonly partial: number
  /** Spans that were accepted, each of which was decoded again as the next hop would. */
  readonly spans: number
  /** CPU time of the slowest payload, its garbage collection included: wall-clock time would tell of the machine's load. */
  readonly slowestCpuMs: number
  /** Which one that was, from 0. */
  readonly slowestPayload: number
  readonly elapsedMs: number
  readonly peakResidentBytes: number
  /** Resident memory at the end less that after a tenth of the run. */
  readonly grownBytes: number
  /** What must not be, with the payload in base64; at most ten. */
  readonly failures: readonly { readonly problem: string; readonly encoding: string; readonly payload: string }[]
}

/**
 * Sends `count` mutated exports to the OTLP edge, in process, and checks of each: it is answered with 200 or a fitting 4xx, and
 * what is published decodes.
 */
export async function fuzzIngest({ count, seed }: { count: number; seed: number }): Promise<FuzzReport> {
  const random = createRandom(seed)
  let published: Message[] = []
  const app = createIngestApp({
    bus: {
      publish: async (_topic, messages) => {
        published = [...messages]
      },
    },
    authenticate: async () => ({ project: 'fuzz', keyId: '', scopes: ['ingest'] }),
    limits: { ...DEFAULT_LIMITS, maxBytes: MAX_BODY_BYTES },
    maxBodyBytes: MAX_BODY_BYTES,
    now: () => 1n,
  })
  const statuses: Record<string, number> = {}
  const failures: { problem: string; encoding: string; payload: string }[] = []
  const started = performance.now()
  let [partial, spans, slowestMicros, slowestPayload, peakResidentBytes, earlyResidentBytes] = [0, 0, 0, 0, 0, 0]
  for (let index = 0; index < count; index++) {
    const { body, headers } = payload(random)
    published = []
    const began = process.cpuUsage()
    const response = await app.request('/v1/traces', { method: 'POST', body: new Uint8Array(body), headers })
    const { user, system } = process.cpuUsage(began)
    if (user + system > slowestMicros) {
      slowestMicros = user + system
      slowestPayload = index
    }
    statuses[response.status] = (statuses[response.status] ?? 0) + 1
    if (published.some(({ attributes }) => attributes.rejected !== undefined)) partial++
    const problem = findProblem(response.status, published)
    if (problem === undefined) for (const { attributes } of published) spans += attributes.spans
    else if (failures.length < MAX_FAILURES) {
      failures.push({ problem, encoding: headers['content-type'], payload: body.toString('base64') })
    }
    if (index % 1000 === 0) peakResidentBytes = Math.max(peakResidentBytes, process.memoryUsage.rss())
    if (index === Math.floor(count / 10)) earlyResidentBytes = process.memoryUsage.rss()
  }
  return {
    payloads: count,
    seed,
    statuses,
    partial,
    spans,
    slowestCpuMs: Math.round(slowestMicros / 1000),
    slowestPayload,
    elapsedMs: Math.round(performance.now() - started),
    peakResidentBytes,
    grownBytes: process.memoryUsage.rss() - earlyResidentBytes,
    failures,
  }
}

function findProblem(status: number, published: readonly Message[]): string | undefined {
  if (![200, 400, 413].includes(status)) return `answered ${status}`
  if (status !== 200 && published.length > 0) return `answered ${status} and published`
  try {
    for (const { data, attributes } of published) {
      const found = decodeSpans(data).length
      if (found !== attributes.spans) return `published ${attributes.spans} spans, of which ${found} can be read`
    }
  } catch (error) {
    return `published what cannot be read: ${error}`
  }
  return undefined
}

/** A mutated export: in either encoding, one in eight compressed, half of those mutated after that. */
function payload(random: Random): { body: Buffer; headers: { 'content-type': string; 'content-encoding': string } } {
  const asJson = random.chance(0.5)
  const seed = random.pick(SEEDS)
  const good = asJson ? seed.json : seed.protobuf
  const headers = {
    'content-type': asJson ? 'application/json' : 'application/x-protobuf',
    'content-encoding': 'identity',
  }
  if (!random.chance(0.125)) return { body: mutate(good, random, asJson), headers }
  headers['content-encoding'] = 'gzip'
  const body = random.chance(0.5) ? gzipSync(mutate(good, random, asJson)) : mutate(gzipSync(good), random, false)
  return { body, headers }
}
