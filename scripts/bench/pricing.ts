import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { decodeTracesJson } from '../../shared/otlp/decode-json.ts'
import { loadCatalogue } from '../../shared/pricing/catalogue.ts'
import { createPricer } from '../../shared/pricing/pricer.ts'
import type { AttributeValue } from '../../shared/spans/attributes.ts'
import type { Span } from '../../shared/spans/span.ts'
import { buildChat, buildSpan } from '../../test/support/span.ts'

/** Microseconds of CPU for one span, by kind of message; `startMs`: loading the catalogue, by wall clock. */
export interface PricingBench {
  readonly startMs: number
  readonly callUs: number
  readonly agentTraceUs: number
  readonly plainUs: number
  /** Mean over all recorded emitters, each with the same weight. */
  readonly emittersUs: number
  readonly slowestEmitter: string
  readonly slowestEmitterUs: number
  /** Of how many emitters a span takes more than two microseconds, of how many in all. */
  readonly emittersAbove2Us: string
}

const FIXTURES = join(import.meta.dirname, '../../test/fixtures/emitters')

const SPANS = 512
const ROUNDS = 9
const REPEATS = 40

/**
 * Prices messages of some 512 spans, of 12 attributes or as recorded: dialect, usage, rollup, plan and receipt. Medians of
 * CPU time, warm.
 */
export async function benchPricing(): Promise<PricingBench> {
  const begin = performance.now()
  const catalogue = await loadCatalogue()
  const startMs = performance.now() - begin
  const pricer = createPricer({ catalogue })
  const emitters = Object.fromEntries(
    globSync(join(FIXTURES, '{,conventions/}*-*.json')).map((path) => [basename(path, '.json'), recorded(path)]),
  )
  const kinds = { callUs: message(calls), agentTraceUs: message(agentTrace), plainUs: message(plain), ...emitters }
  const times = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, [] as number[]]))
  for (let round = 0; round < ROUNDS; round++)
    for (const [kind, spans] of Object.entries(kinds)) {
      const before = process.cpuUsage()
      for (let repeat = 0; repeat < REPEATS; repeat++) pricer.price(spans, { project: 'bench' })
      const { user, system } = process.cpuUsage(before)
      times[kind]!.push((user + system) / (spans.length * REPEATS))
    }
  const median = (kind: string) => round2(times[kind]!.toSorted((a, b) => a - b)[ROUNDS >> 1]!)
  const byEmitter = Object.keys(emitters).map((emitter) => ({ emitter, us: median(emitter) }))
  const slowest = byEmitter.reduce((most, one) => (one.us > most.us ? one : most))
  return {
    startMs: round2(startMs),
    callUs: median('callUs'),
    agentTraceUs: median('agentTraceUs'),
    plainUs: median('plainUs'),
    emittersUs: round2(byEmitter.reduce((sum, { us }) => sum + us, 0) / byEmitter.length),
    slowestEmitter: slowest.emitter,
    slowestEmitterUs: slowest.us,
    emittersAbove2Us: `${byEmitter.filter(({ us }) => us > 2).length} of ${byEmitter.length}`,
  }
}

function message(spanOf: (index: number) => Span): Span[] {
  return Array.from({ length: SPANS }, (_, index) => spanOf(index))
}

const attributes = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`app.attribute.${index}`, `value ${index}`]))
const openai = { 'gen_ai.provider.name': 'openai', 'gen_ai.response.model': 'gpt-4o-2024-08-06', 'user.id': 'u-1' }
const usage = { input_tokens: 1000, output_tokens: 100, 'cache_read.input_tokens': 400 }

function calls(index: number): Span {
  return buildChat('gpt-4o', usage, { traceId: `${index}`, attributes: { ...openai, ...attributes(4) } })
}

/** Agent, its calls and its tools: eight spans a trace. */
function agentTrace(index: number): Span {
  const place = { traceId: `${index >> 3}`, spanId: `${(index % 8) + 1}` }
  if (index % 8 === 0) {
    const sum = { input_tokens: 3000, output_tokens: 300 }
    return buildChat('gpt-4o', sum, {
      ...place,
      attributes: { ...openai, 'gen_ai.operation.name': 'invoke_agent', ...attributes(5) },
    })
  }
  const below = { ...place, parentSpanId: '1' }
  if (index % 2 === 0)
    return buildSpan({ ...below, attributes: { 'gen_ai.operation.name': 'execute_tool', ...attributes(11) } })
  return buildChat('gpt-4o', usage, { ...below, attributes: { ...openai, ...attributes(4) } })
}

function plain(index: number): Span {
  return buildSpan({ traceId: `${index >> 3}`, spanId: `${(index % 8) + 1}`, attributes: attributes(12) })
}

/** What an emitter sent, over and over in traces of their own, no two of which have the same JSON. */
function recorded(path: string): Span[] {
  const { spans } = decodeTracesJson(readFileSync(path))
  return Array.from({ length: Math.ceil(SPANS / spans.length) }, (_, copy) =>
    spans.map((span) => ({
      ...span,
      traceId: `${copy}-${span.traceId}`,
      attributes: new Map(Array.from(span.attributes, ([key, value]) => [key, padded(value, copy)])),
    })),
  ).flat()
}

/** JSON with blanks behind, as a flat string like those that are decoded. */
function padded(value: AttributeValue, copy: number): AttributeValue {
  const isJson = typeof value === 'string' && (value[0] === '{' || value[0] === '[')
  return isJson ? Buffer.from(value.padEnd(value.length + (copy % 61))).toString() : value
}

function round2(value: number): number {
  return Math.round(value * 100) / 100
}

if (import.meta.main) console.log(JSON.stringify(await benchPricing()))
