/** Choices that follow from a seed. */
export interface Random {
  /** In [0, 1). */
  next(): number
  /** A whole number in [0, `n`). */
  below(n: number): number
  chance(share: number): boolean
  pick<T>(items: readonly T[]): T
}

/** Xorshift of 32 bits. */
export function createRandom(seed: number): Random {
  let state = (Math.imul(seed + 1, 2_654_435_761) | 1) >>> 0
  const next = () => {
    state ^= state << 13
    state >>>= 0
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state / 2 ** 32
  }
  const below = (n: number) => Math.floor(next() * n)
  return {
    next,
    below,
    chance: (share) => next() < share,
    pick: <T>(items: readonly T[]) => items[below(items.length)] as T,
  }
}
