import type { Context } from 'hono'
import { SpanledgerError } from '../../../shared/errors.ts'
import { refuse } from '../route.ts'

/** {@link refuse} for budgets. */
export const refuseInvalid = refuse('budget/invalid')

/** A verb of a collection has a colon in its path, which Hono takes for a parameter unless the whole segment is one. */
export function verbPath(verb: string): string {
  return `/ledger/v1/:verb{budgets:${verb}}`
}

/** The body of a request; throws `budget/invalid` when it is no JSON. */
export async function readJson(c: Context): Promise<unknown> {
  try {
    return await c.req.json()
  } catch (error) {
    throw new SpanledgerError('budget/invalid', 'the body is no JSON', { cause: error })
  }
}
