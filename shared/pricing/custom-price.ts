import { z } from 'zod'
import { normaliseProvider } from '../genai/providers.ts'
import { MAX_USD_LENGTH, rateFromUsd } from './money.ts'
import { LISTED_UNITS, type PriceList } from './plan.ts'
import { namedTier } from './service-tiers.ts'

/** Most prices of one project, and of the file. */
export const MAX_CUSTOM_PRICES = 1000

const usd = z
  .union([z.number(), z.string()])
  .refine(isPrice, `a number of at least 0, or its decimal text of at most ${MAX_USD_LENGTH} characters`)
const listedPrice = z.union([
  usd,
  z.strictObject({
    base: usd,
    tiers: z.array(z.strictObject({ start: z.int().min(0), price: usd })).max(16),
  }),
])

const pricesByUnit = Object.fromEntries(LISTED_UNITS.map((unit) => [unit, listedPrice.optional()])) as Record<
  (typeof LISTED_UNITS)[number],
  z.ZodOptional<typeof listedPrice>
>

/** A price of one's own, as JSON. It goes before the catalogue's; of several that fit the last one holds. */
export const customPriceSchema = z
  .strictObject({
    provider: z.string().max(256).default('*').describe('as in gen_ai.provider.name; each `*` stands for anything'),
    model: z
      .string()
      .min(1)
      .max(256)
      .describe('the model that answered or was asked for, as it is named; each `*` stands for anything'),
    serviceTier: z.string().max(64).optional().describe('only for this tier; any if absent'),
    from: z.iso.datetime({ offset: true }).optional().describe('for calls that start then or later'),
    to: z.iso.datetime({ offset: true }).optional().describe('for calls that start before'),
    // No record: of one Zod drops a member `__proto__`, and prices that are wrong would be none.
    prices: z
      .strictObject(pricesByUnit)
      .describe('USD per million tokens (`…_mtok`) or per thousand (`…_kcount`); `{}` is free'),
  })
  .refine(({ from, to }) => from === undefined || to === undefined || isBefore(from, to), {
    message: '`to` must be after `from`',
    path: ['to'],
  })
export type CustomPrice = z.infer<typeof customPriceSchema>

/** Nanoseconds since 1970 of a price's `from` or `to`. */
export function nanosOf(time: string): bigint {
  const [, belowMillis = ''] = /\.\d{3}(\d{1,6})/.exec(time) ?? []
  return BigInt(Date.parse(time)) * 1_000_000n + BigInt(belowMillis.padEnd(6, '0'))
}

export const customPricesSchema = z.array(customPriceSchema).max(MAX_CUSTOM_PRICES)

/** Whether a price is for such a call, leaving its time aside. `model` is lower-case. */
export function fits(price: CustomPrice, provider: string, model: string, serviceTier: string): boolean {
  const { provider: seller, serviceTier: tier } = price
  if (seller.includes('*') ? !matchesPattern(clean(seller), provider) : normaliseProvider(seller) !== provider)
    return false
  if (tier !== undefined && namedTier(tier) !== namedTier(serviceTier)) return false
  return matchesPattern(clean(price.model), model)
}

/** Prices as the catalogue gives them. Nothing listed is free. */
export function priceListOf({ prices }: CustomPrice): PriceList {
  return Object.keys(prices).length > 0 ? (prices as PriceList) : { input_mtok: 0, output_mtok: 0 }
}

/** Also where one of them is no time, which is refused for that. */
function isBefore(from: string, to: string): boolean {
  return Number.isNaN(Date.parse(from) + Date.parse(to)) || nanosOf(from) < nanosOf(to)
}

function clean(name: string): string {
  return name.trim().toLowerCase()
}

/** Pieces between stars in order, the first at the start and the last at the end: linear, unlike a regex. */
function matchesPattern(pattern: string, name: string): boolean {
  const pieces = pattern.split('*')
  if (pieces.length === 1) return pattern === name
  const first = pieces[0]!
  const last = pieces.at(-1)!
  if (!name.startsWith(first) || name.length < first.length + last.length || !name.endsWith(last)) return false
  let at = first.length
  for (const piece of pieces.slice(1, -1)) {
    at = name.indexOf(piece, at)
    if (at < 0) return false
    at += piece.length
  }
  return at <= name.length - last.length
}

function isPrice(value: number | string): boolean {
  try {
    rateFromUsd(value, 1)
    return Number(value) <= 1e9
  } catch {
    return false
  }
}
