import type { Catalogue, PriceQuery } from './catalogue.ts'
import { type CustomPrice, fits, priceListOf } from './custom-price.ts'
import { digest } from './digest.ts'
import { MAX_NAME_LENGTH } from './models.ts'
import { compilePlan, type PricePlan } from './plan.ts'
import type { PriceStore } from './price-store.ts'
import type { Quote } from './quote.ts'

export interface CustomCatalogueOptions {
  readonly base: Catalogue
  /** Prices of each project, which come first. */
  readonly store?: Pick<PriceStore, 'list' | 'revision'>
  /** Prices for all projects. */
  readonly shared?: readonly CustomPrice[]
  /** Milliseconds since any point. */
  readonly now?: () => number
}

/** How often the store is asked whether anything has changed, in milliseconds. */
const REFRESH_MS = 1000

/** Past this many models the memo starts anew: names come from clients. */
const MEMO_LIMIT = 4096
const NANOS_PER_MILLI = 1_000_000n

/** A price of one's own, compiled, and the milliseconds since 1970 between which it holds. */
interface Period {
  readonly from: number
  readonly to: number
  readonly plan: PricePlan
}

/**
 * A catalogue with prices of one's own before those of `base`: the project's, then the shared ones, in each the last
 * that fits and holds at the call's start. A change in the store shows within a second.
 */
export function createCustomCatalogue(options: CustomCatalogueOptions): Catalogue {
  const { base, store, shared = [], now = performance.now.bind(performance) } = options
  const memo = new Map<string, Quote | string>()
  const projects = new Map<string, readonly CustomPrice[]>()
  let revision = store?.revision() ?? 0
  let refreshAt = now() + REFRESH_MS

  function find(query: PriceQuery): Quote | string {
    const { project, provider, model, serviceTier } = query
    if (store !== undefined) forgetIfChanged(store)
    const key = `${project}\n${provider}\n${serviceTier}\n${model}`
    const known = memo.get(key)
    if (known !== undefined) return known
    const found = overlay(query)
    if (memo.size >= MEMO_LIMIT) memo.clear()
    memo.set(key, found)
    return found
  }

  function forgetIfChanged(changing: Pick<PriceStore, 'revision'>): void {
    if (now() < refreshAt) return
    refreshAt = now() + REFRESH_MS
    const latest = changing.revision()
    if (latest === revision) return
    revision = latest
    memo.clear()
    projects.clear()
  }

  function overlay(query: PriceQuery): Quote | string {
    const { project, provider, model, serviceTier } = query
    const listed = base.find(query)
    if (model.length > MAX_NAME_LENGTH) return listed
    const own = projects.get(project) ?? store?.list(project) ?? []
    projects.set(project, own)
    const name = model.trim().toLowerCase()
    const periods = [...own.toReversed(), ...shared.toReversed()]
      .filter((price) => fits(price, provider, name, serviceTier))
      .map(compilePeriod)
    if (periods.length === 0) return listed
    return {
      at: (timeUnixNano: bigint) => {
        const millis = Number(timeUnixNano / NANOS_PER_MILLI)
        const holds = periods.find(({ from, to }) => millis >= from && millis < to)
        if (holds !== undefined) return holds.plan
        return typeof listed === 'string' ? listed : listed.at(timeUnixNano)
      },
    }
  }

  return { version: `${base.version}+custom`, find }
}

function compilePeriod(price: CustomPrice): Period {
  const { provider, model, serviceTier = '', from, to } = price
  const id = provider === '*' ? model : `${provider}/${model}`
  return {
    from: from === undefined ? Number.NEGATIVE_INFINITY : Date.parse(from),
    to: to === undefined ? Number.POSITIVE_INFINITY : Date.parse(to),
    plan: compilePlan(id, `custom@${digest(price)}`, priceListOf(price), serviceTier),
  }
}
