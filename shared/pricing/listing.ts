import { GATEWAYS, normaliseProvider } from '../genai/providers.ts'
import { modelNames } from './model-names.ts'
import { denotes, indexMatches, type Match, type MatchIndex } from './models.ts'
import type { PriceList } from './plan.ts'

/** A model as the catalogue lists it: one price list, or several with the times at which each holds. */
export interface ListedModel {
  readonly id: string
  readonly match: Match
  readonly prices: PriceList | readonly ListedPeriod[]
}

export interface ListedPeriod {
  readonly constraint?: Start | Hours
  /** Or why nobody knows. */
  readonly prices: PriceList | string
}

/** From a day on (`2026-08-17`, UTC), or from an instant (`2026-08-16T16:00:00Z`). */
export interface Start {
  readonly type: 'start_date'
  readonly start_date: string
}

/** Between two times of day, of every day or of some. */
export interface Hours {
  readonly type: 'time_of_date'
  readonly start_time: string
  readonly end_time: string
  /** Of Mondays to Fridays alone, in UTC, but for these days: `2026-10-01`. */
  readonly weekdaysBut?: readonly string[]
}

export interface ListedProvider {
  readonly id: string
  readonly models: readonly ListedModel[]
  readonly model_match?: Match
  readonly fallback_model_providers?: readonly string[]
}

/** A model found: who sells it, and on whose list it is (a cloud may sell at the maker's prices). */
export interface Listing {
  readonly seller: string
  readonly owner: string
  readonly model: ListedModel
}

/** Catalogue ids of OpenTelemetry's provider names where the two differ. */
const CATALOGUE_IDS: ReadonlyMap<string, string> = new Map(
  Object.entries({
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
  }),
)

/** Bedrock's way of naming models, which gives it away whatever provider the emitter names. */
const BEDROCK_MODEL =
  /^(?:arn:aws|(?:[a-z]{2,6}(?:-gov)?\.)?(?:ai21|amazon|anthropic|cohere|deepseek|google|meta|mistral|nvidia|openai|qwen|writer)\.)/

/** Makers of models that their pattern in the catalogue leaves out, such as embedders; not those who host others' models. */
const MAKERS = ['openai', 'google', 'cohere', 'voyageai', 'mistral']

/** Clouds (`seller/owner`) that the catalogue has sell at a maker's prices, and that do not: DeepSeek's change by the hour. */
const PRICED_APART: ReadonlySet<string> = new Set(['azure/deepseek'])

/** Finds models on price lists, by hash where a list gives names in full. */
export interface PriceLists {
  /** `provider` is a normalised name; '' or a gateway's leaves it to the model's name. Undefined: it is not listed. */
  find(provider: string, model: string): Listing | undefined
}

/** Indexes `providers`; each provider's list only when it is first asked for. */
export function indexPriceLists(providers: readonly ListedProvider[]): PriceLists {
  const byId = new Map(providers.map((provider) => [provider.id, provider]))
  const owners = providers.filter((provider) => provider.model_match !== undefined)
  const ownerIndex = indexMatches(owners.map((provider) => provider.model_match!))
  const indexes = new Map<string, MatchIndex>()

  function findOn(provider: ListedProvider | undefined, names: readonly string[]): Listing | undefined {
    if (provider === undefined) return undefined
    let index = indexes.get(provider.id)
    if (index === undefined) {
      const { models } = provider
      index = indexMatches(
        models.map(({ match }) => match),
        (match, name, position) => denotes(match, models[position]!.id, name),
      )
      indexes.set(provider.id, index)
    }
    for (const name of names) {
      const position = index.find(name)
      if (position >= 0) return { seller: provider.id, owner: provider.id, model: provider.models[position]! }
    }
    return undefined
  }

  function findWithFallbacks(provider: ListedProvider, names: readonly string[]): Listing | undefined {
    const own = findOn(provider, names)
    if (own !== undefined) return own
    for (const id of provider.fallback_model_providers ?? []) {
      if (PRICED_APART.has(`${provider.id}/${id}`)) continue
      const found = findOn(byId.get(id), names)
      if (found !== undefined) return { ...found, seller: provider.id }
    }
    return undefined
  }

  function findByName(model: string, names: readonly string[]): Listing | undefined {
    const slash = model.indexOf('/')
    if (slash > 0) {
      const named = byId.get(catalogueId(normaliseProvider(model.slice(0, slash))))
      const found = named && findWithFallbacks(named, modelNames(model.slice(slash + 1)))
      if (found !== undefined) return found
    }
    for (const name of names) {
      const found = findOn(owners[ownerIndex.find(name)], names)
      if (found !== undefined) return found
    }
    for (const id of MAKERS) {
      const found = findOn(byId.get(id), names)
      if (found !== undefined) return found
    }
    return undefined
  }

  return {
    find: (provider, model) => {
      const names = modelNames(model)
      const seller = byId.get(catalogueId(provider))
      const found = seller && findWithFallbacks(seller, names)
      if (found !== undefined) return found
      if (BEDROCK_MODEL.test(names[0]!)) return findOn(byId.get('aws'), names)
      return seller === undefined && (provider === '' || GATEWAYS.has(provider)) ? findByName(model, names) : undefined
    },
  }
}

function catalogueId(provider: string): string {
  return CATALOGUE_IDS.get(provider) ?? provider
}
