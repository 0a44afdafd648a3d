import { execFileSync } from 'node:child_process'
import { loadCatalogue } from '../../shared/pricing/catalogue.ts'
import { createPricer, type Pricer } from '../../shared/pricing/pricer.ts'
import type { Span } from '../../shared/spans/span.ts'
import { buildChat, buildSpan } from '../../test/support/span.ts'
import { percentile, round } from './measure.ts'
import { emitterMessages, sizeOfSpans } from './pricing-emitters.ts'

/** Microseconds of CPU for one span, by kind of message; `startMs`: loading the catalogue, by wall clock. */
export interface PricingBench {
  readonly startMs: number
  readonly callUs: number
  readonly agentTraceUs: number
  readonly plainUs: number
  /** Mean over all recorded emitters, each with the same weight. */
  readonly emittersUs: number
  readonly emitters: number
  /** Those of which a span takes more than two microseconds, the slowest first. */
  readonly emittersAbove2Us: readonly SlowEmitter[]
}

export interface SlowEmitter {
  readonly emitter: string
  /** In turn with all others, so that the code that reads them all has settled on none. */
  readonly us: number
  /** In a process that has read no others. */
  readonly aloneUs: number
  /** Of a span, on average. */
  readonly attributes: number
  readonly jsonCharacters: number
}

const SPANS = 512
const ROUNDS = 9
const REPEATS = 40

/**
 * Prices messages of some 512 spans, of 12 attributes or as recorded: dialect, usage, rollup, plan and receipt. Medians of
 * CPU time, warm.
 */
export async function benchPricing(): Promise<PricingBench> {
  const begin = performance.now()
  const pricer = createPricer({ catalogue: await loadCatalogue() })
  const startMs = performance.now() - begin
  const emitters = emitterMessages(SPANS)
  const kinds = { callUs: message(calls), agentTraceUs: message(agentTrace), plainUs: message(plain) }
  const times = measure(pricer, { ...kinds, ...emitters })
  const byEmitter = Object.keys(emitters).map((emitter) => ({ emitter, us: times[emitter]! }))
  const slow = byEmitter.filter(({ us }) => us > 2).sort((a, b) => b.us - a.us)
  return {
    startMs: round(startMs, 2),
    callUs: times.callUs!,
    agentTraceUs: times.agentTraceUs!,
    plainUs: times.plainUs!,
    emittersUs: round(byEmitter.reduce((sum, { us }) => sum + us, 0) / byEmitter.length, 2),
    emitters: byEmitter.length,
    emittersAbove2Us: slow.map(({ emitter, us }) => {
      const aloneUs = Number(execFileSync(process.execPath, [import.meta.filename, emitter], { encoding: 'utf8' }))
      return { emitter, us, aloneUs, ...sizeOfSpans(emitters[emitter]!) }
    }),
  }
}

/** Microseconds of CPU for one span of each message: medians of rounds in which each has its turn. */
function measure(
  pricer: Pricer,
  messages: Readonly<Record<string, readonly Span[]>>,
): Readonly<Record<string, number>> {
  const times = Object.fromEntries(Object.keys(messages).map((kind) => [kind, [] as number[]]))
  for (let turn = 0; turn < ROUNDS; turn++)
    for (const [kind, spans] of Object.entries(messages)) {
      const before = process.cpuUsage()
      for (let repeat = 0; repeat < REPEATS; repeat++) pricer.price(spans, { project: 'bench' })
      const { user, system } = process.cpuUsage(before)
      times[kind]!.push((user + system) / (spans.length * REPEATS))
    }
  return Object.fromEntries(Object.entries(times).map(([kind, each]) => [kind, round(percentile(each, 0.5), 2)]))
}

/** The same for one emitter, and nothing else. */
async function benchAlone(emitter: string): Promise<number> {
  const pricer = createPricer({ catalogue: await loadCatalogue() })
  return measure(pricer, emitterMessages(SPANS, emitter))[emitter] ?? Number.NaN
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

if (import.meta.main) {
  const [emitter] = process.argv.slice(2)
  console.log(emitter === undefined ? JSON.stringify(await benchPricing(), null, 2) : await benchAlone(emitter))
}
