import { buildSpan, type SpanSketch } from '../../test/support/span.ts'
import { type GenAiCall, isGenAiCall, readCall } from './call.ts'
import { LEAVES, type Usage } from './usage.ts'

/** What a GenAI span says of its call. */
export function read(sketch: SpanSketch): GenAiCall {
  const call = readCall(buildSpan(sketch))
  if (!isGenAiCall(call)) throw new Error('no GenAI call')
  return call
}

/** The quantities of a usage that are not 0. */
export function counts(usage: Usage): Record<string, number> {
  return Object.fromEntries(
    LEAVES.map((leaf, index) => [leaf, usage[index]!] as const).filter(([, count]) => count > 0),
  )
}

/** A usage that is known, with the rule that read it. */
export function known({ resolution }: GenAiCall) {
  if (resolution.kind !== 'known') throw new Error(`usage is ${resolution.kind}`)
  return { rule: resolution.rule, ...counts(resolution.usage) }
}
