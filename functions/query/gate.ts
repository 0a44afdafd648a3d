import type { MiddlewareHandler } from 'hono'
import { SpanledgerError } from '../../shared/errors.ts'
import type { ReaderEnv } from './principal.ts'

/** How many requests run at a time, and how many more may wait for their turn. */
export interface GateOptions {
  readonly running: number
  readonly waiting: number
}

/**
 * Holds all requests through it together to a number at a time, in the order they came: one answer is bounded, many at once
 * would not be. Throws `query/busy` where too many wait already.
 */
export function createGate({ running, waiting }: GateOptions): MiddlewareHandler<ReaderEnv> {
  let free = running
  const turns: (() => void)[] = []
  return async (_c, next) => {
    if (free > 0) free--
    else if (turns.length < waiting) await new Promise<void>((resolve) => turns.push(resolve))
    else throw new SpanledgerError('query/busy', `${running} reads run and ${waiting} wait; try again in a moment`)
    try {
      await next()
    } finally {
      const turn = turns.shift()
      if (turn === undefined) free++
      else turn()
    }
  }
}
