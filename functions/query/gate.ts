import type { MiddlewareHandler } from 'hono'
import { SpanledgerError } from '../../shared/errors.ts'
import type { ReaderEnv } from './principal.ts'

/** How many requests run at a time, and how many more may wait for their turn. */
export interface GateOptions {
  readonly running: number
  readonly waiting: number
}

/** Reads whose answers hold whole spans: each may be `READ_BOUND`, and several times that on its way. */
export const WHOLE_SPANS: GateOptions = { running: 4, waiting: 64 }
/** Reads that add up all the spans they are asked for: a store is at few of them at a time, and for long. */
export const SUMS: GateOptions = { running: 4, waiting: 64 }

/**
 * Holds all requests through it together to a number at a time, in the order they came: one answer is bounded, many at once
 * would not be. Throws `query/busy` where too many wait already, or where who asked has gone before its turn.
 */
export function createGate({ running, waiting }: GateOptions): MiddlewareHandler<ReaderEnv> {
  let free = running
  const turns: (() => void)[] = []
  const busy = () =>
    new SpanledgerError('query/busy', `${running} reads run and ${waiting} wait; try again in a moment`)
  return async (c, next) => {
    if (free > 0) free--
    else if (turns.length < waiting) await new Promise<void>((resolve) => turns.push(resolve))
    else throw busy()
    try {
      // Whoever gives up and asks again would wait behind all that it no longer waits for.
      if (c.req.raw.signal.aborted) throw busy()
      await next()
    } finally {
      const turn = turns.shift()
      if (turn === undefined) free++
      else turn()
    }
  }
}
