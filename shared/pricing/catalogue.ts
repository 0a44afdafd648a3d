import { waitForUpdate } from '@pydantic/genai-prices'
import { GATEWAYS, normaliseProvider, SELF_HOSTED } from '../genai/providers.ts'
import { amendProviders } from './amendments/amend.ts'
import { FREE_PRICES, freeOr } from './amendments/free.ts'
import { AMENDMENTS } from './amendments/index.ts'
import { digest } from './digest.ts'
import { indexPriceLists, type ListedProvider } from './listing.ts'
import { isVariant } from './model-names.ts'
import { MAX_NAME_LENGTH } from './models.ts'
import { compilePlan } from './plan.ts'
import { compileQuote, constantQuote, type Quote } from './quote.ts'
import { memoiseQuotes } from './quote-memo.ts'
import { namedTier, OPENAI_FIRST, tierDiscount } from './service-tiers.ts'

/** What a price is asked for: a normalised provider or '', models as they were named, a service tier or '', the tenant. */
export interface PriceQuery {
  readonly provider: string
  /** That answered. */
  readonly model: string
  /** That was asked for: the same, or an alias of it, a deployment, an inference profile. */
  readonly asked: string
  readonly serviceTier: string
  /** {@link NOBODY} for the prices of projects that have none of their own. */
  readonly project: string
}

/** Stands for a project without prices of its own; no project is called so. */
export const NOBODY = ''

/** Where prices come from. */
export interface Catalogue {
  /** Changes whenever any price does. */
  readonly version: string
  /** The prices of a model, or why there are none. */
  find(query: PriceQuery): Quote | string
  /** Reads the prices of their own that projects have, if those known are too old: before any is found for them. */
  prepare(projects: Iterable<string>): Promise<void>
}

/** The data of `@pydantic/genai-prices`, as shipped with the installed package; its own types leave out what prices may be. */
export async function loadProviders(): Promise<readonly ListedProvider[]> {
  return (await waitForUpdate()) as unknown as readonly ListedProvider[]
}

/** The catalogue over {@link loadProviders}. */
export async function loadCatalogue(): Promise<Catalogue> {
  return createCatalogue(await loadProviders(), 'genai-prices')
}

/**
 * A catalogue over price lists and what amends them. A model's prices are compiled when they are first asked for and stay
 * compiled; lists are not changed after.
 */
export function createCatalogue(
  providers: readonly ListedProvider[],
  name: string,
  { amendments = AMENDMENTS } = {},
): Catalogue {
  const version = `${name}@${digest([providers, amendments, OPENAI_FIRST])}`
  const lists = indexPriceLists(amendProviders(providers, amendments))
  return { version, find: memoiseQuotes(quoteAny), prepare: async () => {} }

  /** The price of the model that answered; of the name that was asked for if that says more, or alone has a price. */
  function quoteAny({ provider, model, asked, serviceTier }: PriceQuery): Quote | string {
    const [first, second] = specifies(asked, model) ? [asked, model] : [model, asked]
    const found = quote(provider, first, serviceTier)
    if (typeof found !== 'string' || first === second || isVariant(first, second)) return found
    const instead = quote(provider, second, serviceTier)
    return typeof instead === 'string' ? found : instead
  }

  function quote(provider: string, model: string, serviceTier: string): Quote | string {
    const host = hostOf(provider, model)
    if (SELF_HOSTED.has(host)) return constantQuote(compilePlan(`${host}/*`, version, FREE_PRICES))
    if (model === '') return 'no model'
    if (model.length > MAX_NAME_LENGTH || provider.length > MAX_NAME_LENGTH) return 'model name too long'
    const found = lists.find(provider, model)
    if (found === undefined) return 'model not in the catalogue'
    const discount = tierDiscount(found.seller, found.model.id, serviceTier)
    if (discount === undefined) return `no price for service tier ${namedTier(serviceTier)}`
    const id = `${found.owner}/${found.model.id}`
    const tier = discount === null ? '' : serviceTier.toLowerCase()
    return compileQuote(freeOr(id, found.model.prices), (listed) =>
      compilePlan(id, version, listed, tier, discount ?? undefined),
    )
  }
}

/** Whether `asked` is `answered` with more around it: a region before, a variant or a tuning behind. */
function specifies(asked: string, answered: string): boolean {
  const at = asked.indexOf(answered)
  if (at < 0) return false
  const behind = asked.slice(at + answered.length)
  return (at === 0 || ':./'.includes(asked[at - 1]!)) && /^(?:$|:|\.ft-|-v\d)/.test(behind)
}

/** Who serves a model: the provider, or whom the model's name says that a gateway passes calls on to. */
function hostOf(provider: string, model: string): string {
  const slash = model.slice(0, MAX_NAME_LENGTH).indexOf('/')
  return slash > 0 && (provider === '' || GATEWAYS.has(provider)) ? normaliseProvider(model.slice(0, slash)) : provider
}
