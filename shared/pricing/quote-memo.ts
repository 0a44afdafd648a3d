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

/** How many of a model's answers are looked at in turn. */
const RECENT_LIMIT = 4

/**
 * `find`, for one tenant, with a memory. The last answers for a model come first: most models are asked for in one way or
 * two, and it spares the writing of a key for each call.
 */
export function memoiseQuotes(find: (query: PriceQuery) => Quote | string): (query: PriceQuery) => Quote | string {
  const recent = new Map<string, Answer[]>()
  const answers = new Map<string, Answer>()

  function answer(query: PriceQuery): Answer {
    const key = memoKey(query)
    const known = answers.get(key)
    if (known !== undefined) return known
    const { provider, asked, serviceTier } = query
    const fresh = { provider, asked, serviceTier, found: find(query) }
    if (answers.size >= MEMO_LIMIT) {
      answers.clear()
      recent.clear()
    }
    answers.set(key, fresh)
    return fresh
  }

  return (query) => {
    const { model, provider, asked, serviceTier } = query
    const known = recent.get(model)
    if (known !== undefined)
      for (const one of known)
        if (one.provider === provider && one.asked === asked && one.serviceTier === serviceTier) return one.found
    const found = answer(query)
    recent.set(model, [found, ...(known ?? [])].slice(0, RECENT_LIMIT))
    return found.found
  }
}

/** What of a query the answer depends on, but for the tenant. Names come from clients: none may pass for two. */
function memoKey({ provider, model, asked, serviceTier }: PriceQuery): string {
  const other = asked === model ? '' : asked
  return `${provider.length},${serviceTier.length},${model.length},${provider}${serviceTier}${model}${other}`
}
