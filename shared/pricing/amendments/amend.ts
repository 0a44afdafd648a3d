import type { ListedModel, ListedPeriod, ListedProvider } from '../listing.ts'
import type { PriceList } from '../plan.ts'
import { type Amendment, from } from './amendment.ts'

/** Price lists with `amendments` in them. Nothing that is not amended is copied. */
export function amendProviders(
  providers: readonly ListedProvider[],
  amendments: readonly Amendment[],
): readonly ListedProvider[] {
  const bySeller = Map.groupBy(amendments, ({ seller }) => seller)
  return providers.map((provider) => {
    const own = bySeller.get(provider.id)
    return own === undefined ? provider : { ...provider, models: amendModels(provider.models, own) }
  })
}

/** What is added comes first: its names are those of other models to some patterns that are listed. */
function amendModels(listed: readonly ListedModel[], amendments: readonly Amendment[]): readonly ListedModel[] {
  const models = new Map(listed.map((model) => [model.id, model]))
  const added: ListedModel[] = []
  for (const amendment of amendments)
    for (const id of amendment.models) {
      const model = models.get(id)
      if (model !== undefined) models.set(id, { ...model, prices: amendPrices(model.prices, amendment) })
      else if ('prices' in amendment) added.push({ id, match: { starts_with: id }, prices: amendment.prices })
    }
  return [...added, ...models.values()]
}

function amendPrices(listed: ListedModel['prices'], amendment: Amendment): ListedModel['prices'] {
  if ('prices' in amendment) return amendment.prices
  const periods = Array.isArray(listed) ? (listed as readonly ListedPeriod[]) : [{ prices: listed as PriceList }]
  if ('later' in amendment) {
    const { later, until } = amendment
    const [first, ...hours] = periods
    return [...periods, ...later, ...(until === undefined ? [] : [from(until, first!.prices), ...hours])]
  }
  return periods.map((period) =>
    typeof period.prices === 'string' ? period : { ...period, prices: amendList(period.prices, amendment) },
  )
}

function amendList(
  list: PriceList,
  amendment: Extract<Amendment, { change: PriceList } | { longContextAbove: number }>,
): PriceList {
  if ('change' in amendment) return { ...list, ...amendment.change }
  const start = amendment.longContextAbove
  return Object.fromEntries(
    Object.entries(list).map(([unit, price]) => [
      unit,
      typeof price === 'object' && price !== null
        ? { ...price, tiers: price.tiers.map((tier) => ({ ...tier, start })) }
        : price,
    ]),
  )
}
