/** A source of chance that gives the same sequence for the same seed. */
export interface Random {
  /** In [0, 1). */
  next(): number
  /** A whole number in [from, to]. */
  between(from: number, to: number): number
  pick<T>(choices: readonly T[]): T
  chance(probability: number): boolean
}

export function createRandom(seed: number): Random {
  // Xorshift: its state must never be zero.
  let state = seed | 0 || 0x9e3779b9 | 0
  const next = () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
  // The first values of neighbouring seeds are alike.
  for (let warmUp = 0; warmUp < 16; warmUp++) next()
  const between = (from: number, to: number) => from + Math.floor(next() * (to - from + 1))
  return { next, between, pick: (choices) => choices[between(0, choices.length - 1)]!, chance: (p) => next() < p }
}
