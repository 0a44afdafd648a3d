import { type Catalogue, NOBODY, type PriceQuery } from './catalogue.ts'
import { type CustomPrice, fits, nanosOf, priceListOf } from './custom-price.ts'
import { digest } from './digest.ts'
import { MAX_NAME_LENGTH } from './models.ts'
import { compilePlan, type PricePlan } from './plan.ts'
import type { PriceStore, ProjectPrices } from './price-store.ts'
import type { Quote } from './quote.ts'
import { memoiseQuotes } from './quote-memo.ts'
import { namedTier } from './service-tiers.ts'

export interface CustomCatalogueOptions {
  readonly base: Catalogue
  /** Prices of each project, which come first. */
  readonly store?: Pick<PriceStore, 'get'>
  /** Prices for all projects. */
  readonly shared?: readonly CustomPrice[]
  /** How old a project's prices may be when its spans are priced, in milliseconds. @defaultValue 1000 */
  readonly refreshMs?: number
  /** Milliseconds since any point. */
  readonly now?: () => number
}

/** Past this many projects those are forgotten that nothing was prepared for in the last five minutes: what was is still to be priced. */
const MAX_PROJECTS = 1000
const FORGET_MS = 300_000

/** A price of one's own, compiled, and the nanoseconds since 1970 between which it holds. */
interface Period {
  readonly from: bigint
  readonly to: bigint
  readonly plan: PricePlan
}

/** A project's prices as they were at some time, and what is found with them. */
interface Snapshot {
  readonly version: ProjectPrices['version']
  readonly find: (query: PriceQuery) => Quote | string
  readonly readAt: number
  /** When its spans were last to be priced. */
  readonly wantedAt: number
}

/**
 * A catalogue with prices of one's own before those of `base`: the project's, then the shared ones, in each the last that
 * fits the model which answered or was asked for, and holds at the call's start. A project's prices are read when it is
 * prepared, if they are too old by then; prices are found without asking the store.
 */
export function createCustomCatalogue(options: CustomCatalogueOptions): Catalogue {
  const { base, store, shared = [], refreshMs = 1000, now = performance.now.bind(performance) } = options
  /** The one longest not wanted first. */
  const projects = new Map<string, Snapshot>()
  const compiled = new WeakMap<CustomPrice, Period>()
  const findForNobody = memoiseQuotes((query) => overlay(query, []))

  async function refresh(project: string, from: Pick<PriceStore, 'get'>): Promise<void> {
    const known = projects.get(project)
    const wantedAt = now()
    if (known !== undefined && wantedAt - known.readAt < refreshMs) return keep(project, { ...known, wantedAt })
    const { prices, version } = await from.get(project)
    const find = known?.version === version ? known.find : memoiseQuotes((query) => overlay(query, prices))
    keep(project, { version, find, readAt: wantedAt, wantedAt })
  }

  function keep(project: string, snapshot: Snapshot): void {
    projects.delete(project)
    projects.set(project, snapshot)
  }

  function forgetUnwanted(): void {
    const before = now() - FORGET_MS
    for (const [project, { wantedAt }] of projects) {
      if (projects.size <= MAX_PROJECTS || wantedAt > before) return
      projects.delete(project)
    }
  }

  function find(query: PriceQuery): Quote | string {
    if (store === undefined || query.project === NOBODY) return findForNobody(query)
    const own = projects.get(query.project)
    if (own === undefined) throw new TypeError(`the prices of project ${query.project} were not prepared`)
    return own.find(query)
  }

  function overlay(query: PriceQuery, own: readonly CustomPrice[]): Quote | string {
    const { provider, model, asked, serviceTier } = query
    const listed = base.find(query)
    const names = [model, asked]
      .filter(({ length }) => length <= MAX_NAME_LENGTH)
      .map((name) => name.trim().toLowerCase())
    const periods = [...own.toReversed(), ...shared.toReversed()]
      .filter((price) => names.some((name) => fits(price, provider, name, serviceTier)))
      .map(periodOf)
    if (periods.length === 0) return listed
    return {
      at: (timeUnixNano: bigint) => {
        const holds = periods.find(({ from, to }) => timeUnixNano >= from && timeUnixNano < to)
        if (holds !== undefined) return holds.plan
        return typeof listed === 'string' ? listed : listed.at(timeUnixNano)
      },
    }
  }

  /** A price is compiled once, however many models it fits: their names come from clients. */
  function periodOf(price: CustomPrice): Period {
    const period = compiled.get(price) ?? compilePeriod(price)
    compiled.set(price, period)
    return period
  }

  return {
    version: `${base.version}+custom`,
    find,
    prepare: async (wanted) => {
      if (store === undefined) return
      await Promise.all(Array.from(new Set(wanted), (project) => refresh(project, store)))
      forgetUnwanted()
    },
  }
}

function compilePeriod(price: CustomPrice): Period {
  const { provider, model, serviceTier = '', from, to } = price
  const id = provider === '*' ? model : `${provider}/${model}`
  return {
    from: from === undefined ? 0n : nanosOf(from),
    to: to === undefined ? 2n ** 64n : nanosOf(to),
    plan: compilePlan(id, `custom@${digest(price)}`, priceListOf(price), namedTier(serviceTier)),
  }
}
