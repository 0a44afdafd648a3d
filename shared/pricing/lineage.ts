import type { GenAiCall } from '../genai/call.ts'
import type { Usage } from '../genai/usage.ts'
import type { Span } from '../spans/span.ts'

/** A span of a batch whose usage is known. */
export interface UsageSpan {
  /** Position in the batch. */
  readonly position: number
  readonly call: GenAiCall
  readonly usage: Usage
}

/** How far up an ancestor is looked for: deeper chains are hostile, and a walk without bound would be quadratic. */
export const MAX_ANCESTORS = 256

/**
 * For each usage, the position (in `usages`) of the nearest one above it that it may explain; -1 where there is none.
 * A composite (agent, workflow) is explained by anything below it. A model call is explained by a call below it that
 * reports the same thing again (a gateway, an SDK within a framework), not by what a tool did meanwhile, nor by a call
 * with a response of its own.
 */
export function findParents(spans: readonly Span[], usages: readonly UsageSpan[]): Int32Array {
  const parents = new Int32Array(usages.length).fill(-1)
  if (usages.length < 2) return parents
  const positions = indexSpans(spans, usages)
  const usageAt = new Map(usages.map(({ position }, index) => [position, index]))
  const isTool = (span: Span) => toolSpans.get(span) === true
  const toolSpans = new Map<Span, boolean>()
  for (const { position, call } of usages) toolSpans.set(spans[position]!, call.operation === 'execute_tool')
  for (const [index, { position, call }] of usages.entries()) parents[index] = nearest(spans[position]!, call)
  return parents

  function nearest(start: Span, call: GenAiCall): number {
    let span = start
    let throughTool = false
    for (let step = 0; step < MAX_ANCESTORS; step++) {
      if (span.parentSpanId === '') return -1
      const position = positions.get(span.traceId + span.parentSpanId)
      if (position === undefined || spans[position] === start) return -1
      span = spans[position]!
      const above = usageAt.get(position)
      if (above !== undefined && explains(call, usages[above]!.call, throughTool)) return above
      throughTool ||= isTool(span)
    }
    return -1
  }
}

function explains(call: GenAiCall, above: GenAiCall, throughTool: boolean): boolean {
  if (above.composite) return true
  return !throughTool && (call.responseId === '' || above.responseId === '' || call.responseId === above.responseId)
}

/** Spans of the traces with more than one usage, by trace and span id; of two with one id the later-sorting holds. */
function indexSpans(spans: readonly Span[], usages: readonly UsageSpan[]): Map<string, number> {
  const seen = new Map<string, number>()
  for (const { position } of usages) {
    const { traceId } = spans[position]!
    seen.set(traceId, (seen.get(traceId) ?? 0) + 1)
  }
  const positions = new Map<string, number>()
  for (const [position, { traceId, spanId }] of spans.entries())
    if ((seen.get(traceId) ?? 0) > 1) positions.set(traceId + spanId, position)
  return positions
}
