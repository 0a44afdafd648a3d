import { type Catalogue, memoKey, type PriceQuery } from './catalogue.ts'
import { type CustomPrice, fits, priceListOf } from './custom-price.ts'
import { digest } from './digest.ts'
import { MAX_NAME_LENGTH } from './models.ts'
import { compilePlan, type PricePlan } from './plan.ts'
import type { PriceStore, ProjectPrices } from './price-store.ts'
import type { Quote } from './quote.ts'

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

/** Past this many projects the one longest not priced for is forgotten. */
const MAX_PROJECTS = 1000
/** Past this many models the memo of a project starts anew: names come from clients. */
const MEMO_LIMIT = 4096
const NANOS_PER_MILLI = 1_000_000n

/** A price of one's own, compiled, and the milliseconds since 1970 between which it holds. */
interface Period {
  readonly from: number
  readonly to: number
  readonly plan: PricePlan
}

/** A project's prices as they were at some time, and what was found with them. */
interface Snapshot extends ProjectPrices {
  readonly memo: Map<string, Quote | string>
  readAt: number
}

/**
 * A catalogue with prices of one's own before those of `base`: the project's, then the shared ones, in each the last that
 * fits the model which answered or was asked for, and holds at the call's start. A project's prices are read when it is
 * prepared, if they are too old by then; prices are found without asking the store.
 */
export function createCustomCatalogue(options: CustomCatalogueOptions): Catalogue {
  const { base, store, shared = [], refreshMs = 1000, now = performance.now.bind(performance) } = options
  const projects = new Map<string, Snapshot>()
  const nobody: Snapshot = { prices: [], version: '0', memo: new Map(), readAt: 0 }

  async function refresh(project: string, from: Pick<PriceStore, 'get'>): Promise<void> {
    const known = projects.get(project)
    const readAt = now()
    if (known !== undefined && readAt - known.readAt < refreshMs) return
    const read = await from.get(project)
    const unchanged = known !== undefined && known.version === read.version
    projects.delete(project)
    projects.set(project, { ...(unchanged ? known : { ...read, memo: new Map() }), readAt })
    if (projects.size > MAX_PROJECTS) projects.delete(projects.keys().next().value as string)
  }

  function find(query: PriceQuery): Quote | string {
    const { project } = query
    const own = store === undefined ? nobody : projects.get(project)
    if (own === undefined) throw new TypeError(`the prices of project ${project} were not prepared`)
    const key = memoKey(query)
    const known = own.memo.get(key)
    if (known !== undefined) return known
    const found = overlay(query, own.prices)
    if (own.memo.size >= MEMO_LIMIT) own.memo.clear()
    own.memo.set(key, found)
    return found
  }

  function overlay(query: PriceQuery, own: readonly CustomPrice[]): Quote | string {
    const { provider, model, asked, serviceTier } = query
    const listed = base.find(query)
    const names = [model, asked]
      .filter(({ length }) => length <= MAX_NAME_LENGTH)
      .map((name) => name.trim().toLowerCase())
    const periods = [...own.toReversed(), ...shared.toReversed()]
      .filter((price) => names.some((name) => fits(price, provider, name, serviceTier)))
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

  return {
    version: `${base.version}+custom`,
    find,
    prepare: async (wanted) => {
      if (store !== undefined) await Promise.all(Array.from(new Set(wanted), (project) => refresh(project, store)))
    },
  }
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
