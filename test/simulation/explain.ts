import { carryOut, type Operation } from './carry-out.ts'
import type { Facts } from './facts.ts'

/** What was asked in one moment, and what came of it. */
export interface Answered {
  readonly operation: Operation
  readonly answer: string
  /** How often it was broken off before: each time it may have been carried out, or not. */
  readonly cuts: number
}

/** More are not told apart: what was broken off so often was carried out by then. */
const MAX_CUTS = 2

/**
 * What may have happened, given what was answered: the facts after every order of the operations in which a ledger that does one after
 * another would have answered the same. None: the ledger is wrong.
 */
export function explain(facts: Facts, answered: readonly Answered[], now: number): readonly Facts[] {
  const [only, ...others] = answered
  if (only === undefined) return [facts]
  if (others.length === 0 && only.cuts === 0) return carryOut(facts, only.operation, now) === only.answer ? [facts] : []
  const found: Facts[] = []
  follow(facts, answered)
  return found

  function follow(before: Facts, left: readonly Answered[]): void {
    if (left.length === 0) found.push(before)
    for (const own of left) {
      const after = structuredClone(before)
      const answer = carryOut(after, own.operation, now)
      const rest = left.filter((other) => other !== own)
      if (answer === own.answer) follow(after, rest)
      if (own.cuts > 0) follow(after, [...rest, { ...own, cuts: Math.min(own.cuts, MAX_CUTS) - 1 }])
    }
  }
}
