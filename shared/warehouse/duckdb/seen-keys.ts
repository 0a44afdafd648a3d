import type { SpanKey } from './span-key.ts'

/** Words of a block: 64 bytes, one line of a CPU's cache. */
const BLOCK_WORDS = 16

/**
 * A Bloom filter over span keys: says for certain that a key was never added, so that in ordinary traffic no query is needed
 * to know that a span is new. Its memory does not grow: at 27 bits a key (10 million in 32 MiB) one answer in 10,000 is
 * "perhaps" though the key is new, and the table is asked; beyond that more are.
 */
export interface SeenKeys {
  /** Adds the key; whether it may have been there already. */
  add(key: SpanKey): boolean
}

/** An empty filter of `bytes`, a power of two of at least 64. */
export function createSeenKeys(bytes: number): SeenKeys {
  const words = new Uint32Array(bytes / 4)
  const blocks = words.length / BLOCK_WORDS
  return {
    add({ trace, span }) {
      const block = (((Math.imul(trace, 0x2c1b3c6d) ^ span) >>> 0) & (blocks - 1)) * BLOCK_WORDS
      let present = 1
      for (const seed of SEEDS) {
        const bits = Math.imul(trace ^ Math.imul(span, seed), 0x297a2d39)
        for (let shift = 5; shift < 32; shift += 9) {
          const bit = bits >>> shift
          const word = block + ((bit >>> 5) & (BLOCK_WORDS - 1))
          const mask = 1 << (bit & 31)
          const value = words[word] as number
          present &= (value & mask) === 0 ? 0 : 1
          words[word] = value | mask
        }
      }
      return present === 1
    },
  }
}

const SEEDS = [0x85ebca6b, 0xc2b2ae35] as const
