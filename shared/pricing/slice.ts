import { type GenAiCall, isGenAiCall, readCall, type Subject } from '../genai/call.ts'
import { emptyUsage, isNothing, sameUsage, type Usage } from '../genai/usage.ts'
import type { Span } from '../spans/span.ts'
import { findParents, type Link, reachesRoot, repeatedSums, type UsageSpan } from './lineage.ts'
import { rollUp } from './rollup.ts'

/** What one message says of one trace, as far as its cost is concerned. */
export interface TraceSlice {
  readonly traceId: string
  /** Every span of it, by span id. */
  readonly links: Map<string, Link>
  /** Spans whose usage is known: of two with the same id, one. */
  readonly usages: SliceUsage[]
}

export interface SliceUsage extends UsageSpan {
  readonly span: Span
  /** Of the span in its message. */
  readonly position: number
}

/** The spans of a message, read: what each says, and the traces among them. */
export interface SpanReadings {
  readonly calls: readonly (GenAiCall | Subject)[]
  readonly slices: ReadonlyMap<string, TraceSlice>
}

/** Reads the spans of a message. */
export function readSlices(spans: readonly Span[]): SpanReadings {
  const calls = new Array<GenAiCall | Subject>(spans.length)
  const slices = new Map<string, TraceSlice>()
  let slice: TraceSlice | undefined
  for (let position = 0; position < spans.length; position++) {
    const span = spans[position]!
    const { traceId, spanId, parentSpanId } = span
    const call = readCall(span)
    calls[position] = call
    if (slice?.traceId !== traceId) slice = slices.get(traceId)
    if (slice === undefined) {
      slice = { traceId, links: new Map(), usages: [] }
      slices.set(traceId, slice)
    }
    if (!isGenAiCall(call)) {
      slice.links.set(spanId, { parent: parentSpanId, tool: false })
      continue
    }
    slice.links.set(spanId, { parent: parentSpanId, tool: call.operation === 'execute_tool' })
    if (hasUsage(call)) slice.usages.push({ spanId, call, span, position })
  }
  for (const { usages } of slices.values()) dropDuplicates(usages, calls)
  return { calls, slices }
}

/** Whether a call's usage is known, if only as one of two. */
export function hasUsage(call: GenAiCall): boolean {
  return call.resolution.kind === 'known' || call.resolution.kind === 'ambiguous'
}

/** The usage of a call that {@link hasUsage}: of two possible ones the cheaper reading. */
export function usageOf({ resolution }: GenAiCall): Usage {
  if (resolution.kind !== 'known' && resolution.kind !== 'ambiguous') throw new TypeError('call without usage')
  return resolution.usage
}

/** What each usage of a trace bills itself, in the order of `usages`: see {@link rollUp}. */
export function billUsages(usages: readonly UsageSpan[], links: ReadonlyMap<string, Link>): readonly Usage[] {
  const parents = findParents(usages, links)
  const repeated = repeatedSums(usages)
  return rollUp(
    usages.map(({ call }, position) => ({
      usage: repeated.has(position) ? emptyUsage() : usageOf(call),
      summary: call.summary,
      parent: parents[position]!,
    })),
  )
}

/**
 * Whether no message can make a difference to another through this one: it reports no usage, and neither does anything
 * between its spans and the root, which are all in it.
 */
export function isInert({ usages, links }: TraceSlice): boolean {
  return usages.length === 0 && reachesRoot(links)
}

/**
 * Whether a message that bills `billed` explains a trace: it has it from the root down, every sum in it is that of spans below it,
 * and every call bills what it reports. Another message makes a difference to that only if it reports one of these calls again.
 */
export function explainsItself({ usages, links }: TraceSlice, billed: ReadonlyMap<string, Usage>): boolean {
  const isSettled = ({ spanId, call }: SliceUsage) => {
    const own = billed.get(spanId)!
    return isNothing(own) || !(call.composite || call.summary || !sameUsage(own, usageOf(call)))
  }
  return reachesRoot(links) && usages.every(isSettled)
}

/**
 * Of a span that a message holds twice the version counts that stores keep: the one that ends later, or the later one. The
 * others get its ledger.
 */
function dropDuplicates(usages: SliceUsage[], calls: (GenAiCall | Subject)[]): void {
  if (usages.length < 2) return
  const holding = new Map<string, SliceUsage>()
  for (const usage of usages) {
    const other = holding.get(usage.spanId)
    if (other === undefined || usage.span.endTimeUnixNano >= other.span.endTimeUnixNano)
      holding.set(usage.spanId, usage)
  }
  if (holding.size === usages.length) return
  for (const { spanId, position } of usages) calls[position] = holding.get(spanId)!.call
  usages.splice(0, usages.length, ...holding.values())
}
