import { NOT_A_COUNT, readCount } from './count.ts'
import type { Inclusion } from './dialect.ts'
import { COUNT_FIELDS, FIELD, FIELDS, type Reading } from './fields.ts'
import { emptyUsage, inputTokens, LEAF, outputTokens, type Usage } from './usage.ts'

/** Which rule turned reported counts into a {@link Usage}; kept in the receipt. */
export type UsageRule =
  | 'no_cache'
  | 'emitter_inclusive'
  | 'emitter_exclusive'
  | 'uncached_reported'
  | 'cache_exceeds_input'
  | 'total_includes_cache'
  | 'total_includes_reasoning'
  | 'cache_unknown'
  | 'total_exceeds_parts'
  | 'total_only'

/** What a span reported, as token classes. */
export type Resolution =
  | { readonly kind: 'none' }
  /** A count that cannot be: the whole usage is refused, because what is left of it would be wrong too. */
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'known'; readonly rule: UsageRule; readonly usage: Usage }
  /** Two readings remain possible. */
  | { readonly kind: 'ambiguous'; readonly rule: UsageRule; readonly usage: Usage; readonly other: Usage }

const NONE: Resolution = { kind: 'none' }
const counts = new Float64Array(COUNT_FIELDS)
let counted = 0
const INPUT = FIELD.input
const OUTPUT = FIELD.output
const TOTAL = FIELD.total

export interface ResolveOptions {
  readonly inclusion: Inclusion
  /** Whether the provider counts reasoning beside the output, so that an emitter may leave it to the total. */
  readonly reasonsBeside: boolean
  /** How many calls of a model the span stands for. */
  readonly requests: number
}

/** Turns the counts of a reading into disjoint token classes. */
export function resolveUsage(reading: Reading, options: ResolveOptions): Resolution {
  let said = false
  for (let field = 0; field < COUNT_FIELDS; field++) {
    const value = reading[field]
    if (value === undefined) {
      counts[field] = 0
      continue
    }
    const count = readCount(value)
    if (count === NOT_A_COUNT) return { kind: 'refused', reason: `${FIELDS[field]}: not a whole number from 0 to 1e9` }
    counts[field] = count
    said = true
  }
  if (!said) return NONE
  counted = options.requests
  return resolveCounts(reading, options)
}

function resolveCounts(reading: Reading, { inclusion, reasonsBeside }: ResolveOptions): Resolution {
  const total = counts[TOTAL]!
  const hasOutput = reading[OUTPUT] !== undefined
  const hasInput = reading[INPUT] !== undefined || reading[FIELD.uncachedInput] !== undefined
  let output = counts[OUTPUT]!
  const fiveMinutes = counts[FIELD.cacheWrite5m]!
  const oneHour = counts[FIELD.cacheWrite1h]!
  const write = Math.max(counts[FIELD.cacheWrite]!, fiveMinutes + oneHour)
  const read = counts[FIELD.cacheRead]!
  const cached = read + write
  let input = counts[INPUT]!
  if (!hasInput && !hasOutput && total > 0) return totalOnly(total)
  if (!hasInput && total > output) input = total - output
  else if (!hasOutput && total > input) output = total - input

  let rule: UsageRule
  let fresh: number
  if (reading[FIELD.uncachedInput] !== undefined) {
    rule = 'uncached_reported'
    fresh = counts[FIELD.uncachedInput]!
    const unnamed = input - fresh - cached
    if (unnamed > 0)
      return between(
        'cache_unknown',
        split(fresh, read + unnamed, write, oneHour, output, total),
        split(fresh, read, write + unnamed, oneHour, output, total),
      )
  } else if (cached === 0) {
    rule = 'no_cache'
    fresh = input
  } else if (cached > input) {
    rule = 'cache_exceeds_input'
    fresh = input
  } else if (reading[TOTAL] !== undefined && total === input + cached + output) {
    rule = 'total_includes_cache'
    fresh = input
  } else if (inclusion === 'exclusive') {
    rule = 'emitter_exclusive'
    fresh = input
  } else if (inclusion === 'inclusive') {
    rule = 'emitter_inclusive'
    fresh = input - cached
  } else {
    return between(
      'cache_unknown',
      split(input - cached, read, write, oneHour, output, total),
      split(input, read, write, oneHour, output, total),
    )
  }
  const usage = split(fresh, read, write, oneHour, output, total)
  const unnamed = unnamedTokens(usage)
  if (unnamed <= 0) return { kind: 'known', rule, usage }
  if (!reasonsBeside || counts[FIELD.reasoning]! > 0) return between('total_exceeds_parts', usage, usage)
  return { kind: 'known', rule: 'total_includes_reasoning', usage: withMore(usage, LEAF.reasoning_tokens, unnamed) }
}

/** Either of two readings; what the total has beyond the first may be of the cheapest class, or of the dearest. */
function between(rule: UsageRule, usage: Usage, other: Usage): Resolution {
  const unnamed = Math.max(0, unnamedTokens(usage))
  return {
    kind: 'ambiguous',
    rule,
    usage: withMore(usage, LEAF.cache_read_tokens, unnamed),
    other: withMore(other, LEAF.output_tokens, unnamed),
  }
}

/** How many more tokens the total has than a reading; below 0 where no total is said. */
function unnamedTokens(usage: Usage): number {
  return counts[TOTAL]! - inputTokens(usage) - outputTokens(usage)
}

function withMore(usage: Usage, leaf: number, count: number): Usage {
  return usage.with(leaf, usage[leaf]! + count)
}

/** Only the sum of input and output is known: the truth lies between all of it being one and all being the other. */
function totalOnly(total: number): Resolution {
  const input = emptyUsage()
  input[LEAF.input_tokens] = total
  input[LEAF.requests] = counted
  const output = emptyUsage()
  output[LEAF.output_tokens] = total
  output[LEAF.requests] = counted
  return { kind: 'ambiguous', rule: 'total_only', usage: input, other: output }
}

/**
 * The leaves, given the input that no cache served. Audio and image counts overlap with cached ones only as far as
 * they must (or as far as the emitter says), and no class gets more than is left of its node.
 */
function split(fresh: number, read: number, write: number, oneHour: number, output: number, total: number): Usage {
  const usage = emptyUsage()
  const cachedAudio = Math.min(read, Math.max(counts[FIELD.cacheReadAudio]!, counts[FIELD.inputAudio]! - fresh))
  const audio = Math.min(fresh, Math.max(0, counts[FIELD.inputAudio]! - cachedAudio))
  const seen = Math.max(counts[FIELD.cacheReadImage]!, counts[FIELD.inputImage]! - (fresh - audio))
  const cachedImage = Math.min(read - cachedAudio, seen)
  const image = Math.min(fresh - audio, Math.max(0, counts[FIELD.inputImage]! - cachedImage))
  const hour = Math.min(write, oneHour)
  usage[LEAF.input_tokens] = fresh - audio - image
  usage[LEAF.cache_read_tokens] = read - cachedAudio - cachedImage
  usage[LEAF.cache_write_5m_tokens] = write - hour
  usage[LEAF.cache_write_1h_tokens] = hour
  usage[LEAF.input_audio_tokens] = audio
  usage[LEAF.input_image_tokens] = image
  usage[LEAF.cache_read_audio_tokens] = cachedAudio
  usage[LEAF.cache_read_image_tokens] = cachedImage

  const reasoning = counts[FIELD.reasoning]!
  const apart = reasoning > output || total === fresh + read + write + output + reasoning
  const spoken = apart ? output : output - reasoning
  const outputAudio = Math.min(spoken, counts[FIELD.outputAudio]!)
  const outputImage = Math.min(spoken - outputAudio, counts[FIELD.outputImage]!)
  usage[LEAF.output_tokens] = spoken - outputAudio - outputImage
  usage[LEAF.reasoning_tokens] = reasoning
  usage[LEAF.output_audio_tokens] = outputAudio
  usage[LEAF.output_image_tokens] = outputImage
  usage[LEAF.requests] = counted
  usage[LEAF.web_searches] = counts[FIELD.webSearches]!
  return usage
}
