import type { GenAiCall } from '../genai/call.ts'
import { USAGE_SUMMARY } from '../genai/operations.ts'

/** Where a span of a trace hangs. */
export interface Link {
  /** Span id of the parent; '' for a root. */
  readonly parent: string
  /** Whether it runs a tool: what happens below it is not part of the call above it. */
  readonly tool: boolean
}

/** A span of a trace whose usage is known. */
export interface UsageSpan {
  readonly spanId: string
  readonly call: GenAiCall
}

/** How far up an ancestor is looked for: deeper chains are hostile, and a walk without bound would be quadratic. */
export const MAX_ANCESTORS = 256

/**
 * For each usage of a trace, the position of the nearest one above it that it may explain; -1 where there is none.
 * A composite (agent, workflow) is explained by anything below it. A model call is explained by a call below it that
 * reports the same thing again (a gateway, an SDK within a framework), not by what a tool did meanwhile, nor by a call
 * with a response of its own, nor by what was embedded or ranked for it.
 */
export function findParents(usages: readonly UsageSpan[], links: ReadonlyMap<string, Link>): readonly number[] {
  const parents: number[] = usages.map(() => -1)
  if (usages.length < 2) return parents
  const positions = new Map(usages.map(({ spanId }, position) => [spanId, position]))
  for (const [position, usage] of usages.entries()) parents[position] = nearest(usage)
  return parents

  function nearest({ spanId, call }: UsageSpan): number {
    let throughTool = false
    let id = links.get(spanId)?.parent ?? ''
    for (let step = 0; step < MAX_ANCESTORS && id !== '' && id !== spanId; step++) {
      const above = positions.get(id)
      if (above !== undefined && explains(call, usages[above]!.call, throughTool)) return above
      const link = links.get(id)
      if (link === undefined) return -1
      throughTool ||= link.tool
      id = link.parent
    }
    return -1
  }
}

/** The operations whose tokens are no chat's: what was embedded for a prompt is no part of it. */
const APART: ReadonlySet<string> = new Set(['embeddings', 'rerank', 'image_generation', 'speech', 'transcription'])

function explains(call: GenAiCall, above: GenAiCall, throughTool: boolean): boolean {
  if (above.composite) return true
  const isSame = call.operation === above.operation || !(APART.has(call.operation) || APART.has(above.operation))
  if (!isSame) return false
  return !throughTool && (call.responseId === '' || above.responseId === '' || call.responseId === above.responseId)
}

const NONE: ReadonlySet<number> = new Set()

/**
 * Positions of the sums that stand beside what they sum up: those of a trace in which the same emitter reports calls, too. Where they hang
 * makes no difference, since a message of spans without usage may be forgotten.
 */
export function repeatedSums(usages: readonly UsageSpan[]): ReadonlySet<number> {
  if (!usages.some(({ call }) => call.operation === USAGE_SUMMARY)) return NONE
  const reporting = new Set(usages.flatMap(({ call }) => (call.operation === USAGE_SUMMARY ? [] : [call.dialect])))
  const repeated = new Set<number>()
  for (const [position, { call }] of usages.entries())
    if (call.operation === USAGE_SUMMARY && reporting.has(call.dialect)) repeated.add(position)
  return repeated
}

/** Whether every span hangs on a root, through spans that are all here. */
export function reachesRoot(links: ReadonlyMap<string, Link>): boolean {
  for (const { parent } of links.values()) if (parent !== '' && !links.has(parent)) return false
  return true
}
