import { createHash } from 'node:crypto'
import { waitForUpdate } from '@pydantic/genai-prices'
import { GATEWAYS, normaliseProvider, SELF_HOSTED } from '../genai/providers.ts'
import { indexMatches, MAX_NAME_LENGTH, type Match, type MatchIndex, modelNames } from './models.ts'
import { compilePlan, type PriceList, type PricePlan } from './plan.ts'
import { tierDiscount } from './service-tiers.ts'

/** A model as the catalogue lists it: one price list, or several with the times at which each holds. */
export interface ListedModel {
  readonly id: string
  readonly match: Match
  readonly prices: PriceList | readonly ListedPeriod[]
}

export interface ListedPeriod {
  readonly constraint?:
    | { readonly type: 'start_date'; readonly start_date: string }
    | { readonly type: 'time_of_date'; readonly start_time: string; readonly end_time: string }
  readonly prices: PriceList
}

export interface ListedProvider {
  readonly id: string
  readonly models: readonly ListedModel[]
  readonly model_match?: Match
  readonly fallback_model_providers?: readonly string[]
}

/** When a plan holds: from a time on, and if given only between two times of day (UTC), in milliseconds. */
interface Period {
  readonly from: number
  readonly daily: { readonly start: number; readonly end: number } | null
  readonly plan: PricePlan
}

/** Prices of one model over time. */
export interface Quote {
  /** The plan that held at a time, in nanoseconds since 1970. */
  at(timeUnixNano: bigint): PricePlan
}

/** Where prices come from. */
export interface Catalogue {
  /** Changes whenever any price does. */
  readonly version: string
  /** The prices of a model, or why there are none. `provider` is a normalised name or ''. */
  find(provider: string, model: string, serviceTier: string): Quote | string
}

/** Catalogue ids of OpenTelemetry's provider names where the two differ. */
const CATALOGUE_IDS: Readonly<Record<string, string>> = {
  'azure.ai.openai': 'azure',
  'azure.ai.inference': 'azure',
  'aws.bedrock': 'aws',
  'gcp.gemini': 'google',
  'gcp.vertex_ai': 'google',
  'gcp.gen_ai': 'google',
  mistral_ai: 'mistral',
  x_ai: 'x-ai',
  moonshot_ai: 'moonshotai',
  together_ai: 'together',
  fireworks_ai: 'fireworks',
  voyage_ai: 'voyageai',
  github_copilot: 'github-copilot',
  zhipu_ai: 'zhipuai',
}

const NANOS_PER_MILLI = 1_000_000n
const DAY_MILLIS = 86_400_000

/** The catalogue of `@pydantic/genai-prices`, as shipped with the installed package. */
export async function loadCatalogue(): Promise<Catalogue> {
  const providers = (await waitForUpdate()) as unknown as readonly ListedProvider[]
  return createCatalogue(providers, 'genai-prices')
}

/**
 * A catalogue over listed prices. Nothing is compiled before it is asked for; what was asked for stays compiled, up to
 * a bound, because names come from clients.
 */
export function createCatalogue(providers: readonly ListedProvider[], name: string): Catalogue {
  const digest = createHash('sha256').update(JSON.stringify(providers)).digest('hex').slice(0, 12)
  const version = `${name}@${digest}`
  const byId = new Map(providers.map((provider) => [provider.id, provider]))
  const owners = providers.filter((provider) => provider.model_match !== undefined)
  const ownerIndex = indexMatches(owners.map((provider) => provider.model_match!))
  const indexes = new Map<string, MatchIndex>()
  const memo = new Map<string, Quote | string>()

  function listed(
    provider: ListedProvider,
    names: readonly string[],
  ): { owner: ListedProvider; model: ListedModel } | undefined {
    let index = indexes.get(provider.id)
    if (index === undefined) {
      index = indexMatches(provider.models.map((model) => model.match))
      indexes.set(provider.id, index)
    }
    for (const name of names) {
      const position = index.find(name)
      if (position >= 0) return { owner: provider, model: provider.models[position]! }
    }
    for (const id of provider.fallback_model_providers ?? []) {
      const found = listed({ ...byId.get(id)!, fallback_model_providers: [] }, names)
      if (found !== undefined) return found
    }
    return undefined
  }

  function resolve(provider: string, model: string): { owner: ListedProvider; model: ListedModel } | undefined {
    const names = modelNames(model)
    const known = byId.get(CATALOGUE_IDS[provider] ?? provider)
    if (known !== undefined) return listed(known, names)
    if (provider !== '' && !GATEWAYS.has(provider)) return undefined
    const slash = model.indexOf('/')
    if (slash > 0) {
      const named = byId.get(CATALOGUE_IDS[normaliseProvider(model.slice(0, slash))] ?? model.slice(0, slash))
      const found = named && listed(named, modelNames(model.slice(slash + 1)))
      if (found !== undefined) return found
    }
    for (const name of names) {
      const owner = owners[ownerIndex.find(name)]
      const found = owner && listed(owner, names)
      if (found !== undefined) return found
    }
    return undefined
  }

  function quote(provider: string, model: string, serviceTier: string): Quote | string {
    if (model === '') return 'no model'
    if (model.length > MAX_NAME_LENGTH || provider.length > MAX_NAME_LENGTH) return 'model name too long'
    if (SELF_HOSTED.has(provider)) {
      const free = compilePlan(`${provider}/*`, version, { input_mtok: 0, output_mtok: 0, requests_kcount: 0 })
      return { at: () => free }
    }
    const found = resolve(provider, model)
    if (found === undefined) return 'model not in the catalogue'
    const discount = tierDiscount(provider, serviceTier)
    if (discount === undefined) return `no price for service tier ${serviceTier.slice(0, 40)}`
    const id = `${found.owner.id}/${found.model.id}`
    const tier = discount === null ? '' : serviceTier.toLowerCase()
    return compileQuote(found.model.prices, (prices) => compilePlan(id, version, prices, tier, discount ?? undefined))
  }

  return {
    version,
    find: (provider, model, serviceTier) => {
      const key = `${provider}\n${serviceTier}\n${model}`
      let found = memo.get(key)
      if (found === undefined) {
        found = quote(provider, model, serviceTier)
        if (memo.size >= MEMO_LIMIT) memo.clear()
        memo.set(key, found)
      }
      return found
    },
  }
}

/** Past this many names the memo starts anew: model names come from clients. */
const MEMO_LIMIT = 4096

function compileQuote(prices: ListedModel['prices'], compile: (prices: PriceList) => PricePlan): Quote {
  if (!Array.isArray(prices)) {
    const plan = compile(prices as PriceList)
    return { at: () => plan }
  }
  const periods: Period[] = []
  let from = Number.NEGATIVE_INFINITY
  for (const { constraint, prices: list } of prices as readonly ListedPeriod[]) {
    if (constraint?.type === 'start_date') from = Date.parse(`${constraint.start_date}T00:00:00Z`)
    const daily =
      constraint?.type === 'time_of_date'
        ? { start: timeOfDay(constraint.start_time), end: timeOfDay(constraint.end_time) }
        : null
    periods.push({ from, daily, plan: compile(list) })
  }
  return { at: (timeUnixNano) => planAt(periods, Number(timeUnixNano / NANOS_PER_MILLI)) }
}

/** The last listed period that holds. Hours of the day belong to the start date listed before them. */
function planAt(periods: readonly Period[], millis: number): PricePlan {
  const time = millis % DAY_MILLIS
  for (let i = periods.length - 1; i > 0; i--) {
    const { from, daily, plan } = periods[i]!
    if (millis < from) continue
    if (daily === null) return plan
    const { start, end } = daily
    if (start <= end ? time >= start && time < end : time >= start || time < end) return plan
  }
  return periods[0]!.plan
}

/** Milliseconds since midnight UTC of `HH:MM:SSZ` or `HH:MM:SS±hh:mm`. */
function timeOfDay(text: string): number {
  return ((Date.parse(`1970-01-02T${text}`) % DAY_MILLIS) + DAY_MILLIS) % DAY_MILLIS
}
