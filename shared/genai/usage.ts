/**
 * The classes of what a model call consumes: the leaves of a tree whose inner nodes are all input and all output tokens.
 * A token is in exactly one leaf, so no sum over leaves counts one twice. Names are the units of receipts.
 */
export const LEAVES = [
  'input_tokens',
  'cache_read_tokens',
  'cache_write_5m_tokens',
  'cache_write_1h_tokens',
  'input_audio_tokens',
  'input_image_tokens',
  'cache_read_audio_tokens',
  'cache_read_image_tokens',
  'output_tokens',
  'reasoning_tokens',
  'output_audio_tokens',
  'output_image_tokens',
  'requests',
  'web_searches',
] as const
export type Leaf = (typeof LEAVES)[number]

/** Index of each leaf in a {@link Usage}. */
export const LEAF = Object.fromEntries(LEAVES.map((leaf, index) => [leaf, index])) as Readonly<Record<Leaf, number>>

/** Leaves [0, OUTPUT_START) are input, [OUTPUT_START, TOKENS_END) output, the rest are counts that stand alone. */
export const OUTPUT_START = LEAF.output_tokens
export const TOKENS_END = LEAF.requests

/** Quantities by leaf: whole numbers in [0, {@link MAX_COUNT}]. */
export type Usage = readonly number[]

/**
 * No single span reports more of anything: larger counts are taken for garbage and refused. It keeps every cost within
 * 64 bits and every product of count and price exact.
 */
export const MAX_COUNT = 1_000_000_000

/** Nothing of anything, to be filled in. */
export function emptyUsage(): number[] {
  return [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
}

/** Sum of all classes of input. */
export function inputTokens(usage: Usage): number {
  let sum = 0
  for (let leaf = 0; leaf < OUTPUT_START; leaf++) sum += usage[leaf]!
  return sum
}

/** Sum of all classes of output. */
export function outputTokens(usage: Usage): number {
  let sum = 0
  for (let leaf = OUTPUT_START; leaf < TOKENS_END; leaf++) sum += usage[leaf]!
  return sum
}

/** Whether nothing at all was consumed. */
export function isNothing(usage: Usage): boolean {
  for (const quantity of usage) if (quantity !== 0) return false
  return true
}

/** Whether two usages are equal in every class. */
export function sameUsage(a: Usage, b: Usage): boolean {
  return a === b || a.every((quantity, leaf) => quantity === b[leaf])
}

/** `usage` less `part`, class by class; `part` must be nowhere larger. */
export function lessUsage(usage: Usage, part: Usage): number[] {
  return usage.map((quantity, leaf) => quantity - part[leaf]!)
}

/** Adds `usage` to `sum`. */
export function addUsage(sum: number[], usage: Usage): void {
  for (let leaf = 0; leaf < LEAVES.length; leaf++) sum[leaf]! += usage[leaf]!
}

/**
 * What of `usage` is left when `explained` has been accounted for elsewhere. At each inner node the rest is the
 * difference of the sums, never below zero, because the two may tell classes apart differently: an agent that reports
 * 1000 input tokens is explained by a call with 12 fresh and 988 cached ones. Within the node, classes that only
 * `usage` names keep their tokens first; plain ones give way.
 */
export function unexplained(usage: Usage, explained: Usage): number[] {
  const rest = emptyUsage()
  subtractNode(rest, usage, explained, 0, OUTPUT_START)
  subtractNode(rest, usage, explained, OUTPUT_START, TOKENS_END)
  for (let leaf = TOKENS_END; leaf < LEAVES.length; leaf++) rest[leaf] = Math.max(0, usage[leaf]! - explained[leaf]!)
  return rest
}

function subtractNode(rest: number[], usage: Usage, explained: Usage, start: number, end: number): void {
  let left = 0
  let over = 0
  for (let leaf = start; leaf < end; leaf++) {
    const difference = usage[leaf]! - explained[leaf]!
    left += difference
    if (difference > 0) {
      rest[leaf] = difference
      over += difference
    }
  }
  over -= Math.max(0, left)
  for (let leaf = start; leaf < end && over > 0; leaf++) {
    const given = Math.min(over, rest[leaf]!)
    rest[leaf]! -= given
    over -= given
  }
}
