import type { PriceQuery } from './catalogue.ts'
import type { Quote } from './quote.ts'

/** Past this many answers the memo starts anew: names come from clients. */
const MEMO_LIMIT = 4096

interface Answer {
  readonly provider: string
  readonly asked: string
  readonly serviceTier: string
  readonly found: Quote | string
}

/**
 * `find`, for one tenant, with a memory. The last answer for a model comes first: most models are asked for in one way,
 * and it spares the writing of a key for each call.
 */
export function memoiseQuotes(find: (query: PriceQuery) => Quote | string): (query: PriceQuery) => Quote | string {
  const last = new Map<string, Answer>()
  const answers = new Map<string, Answer>()

  function answer(query: PriceQuery): Answer {
    const key = memoKey(query)
    const known = answers.get(key)
    if (known !== undefined) return known
    const { provider, asked, serviceTier } = query
    const fresh = { provider, asked, serviceTier, found: find(query) }
    if (answers.size >= MEMO_LIMIT) {
      answers.clear()
      last.clear()
    }
    answers.set(key, fresh)
    return fresh
  }

  return (query) => {
    const { model, provider, asked, serviceTier } = query
    let known = last.get(model)
    if (known?.provider !== provider || known.asked !== asked || known.serviceTier !== serviceTier) {
      known = answer(query)
      last.set(model, known)
    }
    return known.found
  }
}

/** What of a query the answer depends on, but for the tenant. Names come from clients: none may pass for two. */
function memoKey({ provider, model, asked, serviceTier }: PriceQuery): string {
  const other = asked === model ? '' : asked
  return `${provider.length},${serviceTier.length},${model.length},${provider}${serviceTier}${model}${other}`
}
