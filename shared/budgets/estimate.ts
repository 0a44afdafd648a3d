import type { Amounts } from './amount.ts'

/** What one call of a model took; USD in units of 1e-12. */
export interface Sample {
  readonly model: string
  readonly usd: bigint
  readonly tokens: bigint
}

/** How often calls of one model took how much: counts by size class, each a quarter wider than the one before. */
export interface History {
  readonly usd: Readonly<Record<string, number>>
  readonly tokens: Readonly<Record<string, number>>
  readonly count: number
}

export const NO_HISTORY: History = { usd: {}, tokens: {}, count: 0 }

/** A call of a model of which nothing is known yet: 0.01 USD, 4,096 tokens. */
export const DEFAULT_ESTIMATE: Required<Amounts> = { usd: 10_000_000_000n, tokens: 4_096n, requests: 1n }

const CLASS_WIDTH = 1.25
/** Counts are halved when there are this many, so that the recent ones weigh most. */
const HALVE_AT = 1_000
/** Fewer calls tell nothing of a percentile. */
const MIN_COUNT = 20

/** `history` with `samples` added. */
export function addToHistory(history: History, samples: readonly Sample[]): History {
  const usd = { ...history.usd }
  const tokens = { ...history.tokens }
  for (const sample of samples) {
    count(usd, sample.usd)
    count(tokens, sample.tokens)
  }
  const total = history.count + samples.length
  if (total < HALVE_AT) return { usd, tokens, count: total }
  return { usd: halved(usd), tokens: halved(tokens), count: Math.floor(total / 2) }
}

/** The 95th percentile of `history`, rounded up to its size class; {@link DEFAULT_ESTIMATE} while it is too short. */
export function estimateOf(history: History): Required<Amounts> {
  if (history.count < MIN_COUNT) return DEFAULT_ESTIMATE
  return { usd: p95(history.usd), tokens: p95(history.tokens), requests: 1n }
}

function count(classes: Record<string, number>, amount: bigint): void {
  const key = String(classOf(amount))
  classes[key] = (classes[key] ?? 0) + 1
}

/** 0 for nothing; else so that an amount is at most `topOf(class)`. */
function classOf(amount: bigint): number {
  return amount <= 0n ? 0 : 1 + Math.max(0, Math.ceil(Math.log(Number(amount)) / Math.log(CLASS_WIDTH) - 1e-9))
}

function topOf(sizeClass: number): bigint {
  return sizeClass === 0 ? 0n : BigInt(Math.round(CLASS_WIDTH ** (sizeClass - 1)))
}

function p95(classes: Readonly<Record<string, number>>): bigint {
  const ascending = Object.entries(classes)
    .map(([key, calls]) => ({ sizeClass: Number(key), calls }))
    .sort((a, b) => a.sizeClass - b.sizeClass)
  const rank = ascending.reduce((sum, { calls }) => sum + calls, 0) * 0.95
  let seen = 0
  for (const { sizeClass, calls } of ascending) {
    seen += calls
    if (seen >= rank) return topOf(sizeClass)
  }
  return 0n
}

function halved(classes: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(classes)
      .map(([key, calls]) => [key, Math.floor(calls / 2)] as const)
      .filter(([, calls]) => calls > 0),
  )
}
