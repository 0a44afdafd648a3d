import fc from 'fast-check'
import type { Bus, Delivery, Message } from '../../shared/bus/bus.ts'
import { decodeBatch } from '../../shared/otlp/batch.ts'
import { encodeTraces } from '../../shared/otlp/encode.ts'
import type { Ledger, PricedSpan } from '../../shared/spans/ledger.ts'
import type { Span } from '../../shared/spans/span.ts'
import { buildChat, buildSpan } from '../../test/support/span.ts'

/** A span of a trace: what it is, and which of the earlier ones is its parent. */
const sketch = fc.record({
  kind: fc.constantFrom('call', 'call', 'call', 'agent', 'agent', 'tool', 'plain', 'sum'),
  parent: fc.nat({ max: 100 }),
  input: fc.nat({ max: 500 }),
  output: fc.nat({ max: 50 }),
  cached: fc.nat({ max: 100 }),
  response: fc.constantFrom('', 'r1', 'r2'),
})
type Sketch = typeof sketch extends fc.Arbitrary<infer T> ? T : never

function buildTrace(sketches: readonly Sketch[], traceId: string): Span[] {
  return sketches.map(({ kind, parent, input, output, cached, response }, index) => {
    const spanId = (index + 1).toString()
    const place = { traceId, spanId, ...(index > 0 && { parentSpanId: ((parent % index) + 1).toString() }) }
    if (kind === 'plain') return buildSpan(place)
    if (kind === 'tool') return buildSpan({ ...place, attributes: { 'gen_ai.operation.name': 'execute_tool' } })
    const operation =
      kind === 'call'
        ? { 'gen_ai.response.id': response }
        : { 'gen_ai.operation.name': kind === 'agent' ? 'invoke_agent' : 'usage_summary' }
    const usage = { input_tokens: input + cached, output_tokens: output, 'cache_read.input_tokens': cached }
    return buildChat('gpt-4o', usage, { ...place, attributes: { 'gen_ai.provider.name': 'openai', ...operation } })
  })
}

/** One to three traces of up to eight spans: agents, calls, tools, sums beside their calls and others, nested in any way. */
export const traces: fc.Arbitrary<Span[]> = fc
  .array(fc.array(sketch, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 3 })
  .map((all) => all.flatMap((sketches, index) => buildTrace(sketches, (index + 1).toString())))

/** A message of project `p`. */
export function toDelivery(spans: readonly Span[], digest: string): Delivery {
  const attributes = { project: 'p', digest, spans: spans.length, ingestedAt: '1', traceparent: '' }
  return { id: digest, attempt: 1, data: encodeTraces(spans), attributes }
}

/** The spans in as many messages as `cuts` names, each span in the one at its position. */
export function cutMessages(spans: readonly Span[], cuts: readonly number[]): Delivery[] {
  const parts = Map.groupBy(spans, (span) => cuts[spans.indexOf(span)]!)
  return [...parts].map(([cut, part]) => toDelivery(part, `d${cut}`))
}

/** A bus that keeps what is published. */
export function collectingBus(): Bus & { readonly published: Message[] } {
  const published: Message[] = []
  return { published, publish: async (_topic, messages) => void published.push(...messages), close: async () => {} }
}

/** What a consumer holds in the end: of each span the ledger with the highest revision. */
export function consume(messages: readonly Message[]): Map<string, Ledger> {
  const held = new Map<string, Ledger>()
  const take = ({ span, ledger }: PricedSpan) => {
    const id = `${span.traceId}/${span.spanId}`
    const earlier = held.get(id)
    if (earlier === undefined || ledger.revision > earlier.revision) held.set(id, ledger)
  }
  for (const message of messages) {
    const batch = decodeBatch({ ...message, id: '1', attempt: 1 })
    for (const priced of [...batch.spans, ...(batch.corrections ?? [])]) take(priced)
  }
  return held
}

/** What is billed by a ledger. */
export function bill({ costStatus, costPicoUsd, inputTokens, outputTokens }: Ledger) {
  return [costStatus, costPicoUsd, inputTokens, outputTokens]
}
