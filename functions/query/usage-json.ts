import { z } from '@hono/zod-openapi'
import { costJson, costSchema } from '../../shared/http/money.ts'
import type { UsageTotals } from '../../shared/warehouse/trace-store.ts'

/** A count: a JSON number, or its decimal text from 2^53 on. */
export const countSchema = z.union([z.number().int(), z.string().regex(/^\d+$/)]).meta({
  description: 'a decimal string from 2^53 on',
})

/** Tokens: null where nobody said. Input includes cache reads and writes; output includes reasoning. */
export const usageSchema = z
  .object({
    inputTokens: countSchema.nullable(),
    outputTokens: countSchema.nullable(),
    totalTokens: countSchema.nullable(),
    cacheReadTokens: countSchema.nullable(),
    cacheWriteTokens: countSchema.nullable(),
    reasoningTokens: countSchema.nullable(),
  })
  .meta({ id: 'Usage', description: 'tokens; null where nobody said' })

/** What is known of a sum of costs: `partial` where some of its spans have a usage without a known cost. */
const SUM_STATUSES = ['priced', 'partial', 'unknown', 'no_usage'] as const

/** A sum of costs that never hides what it does not know. */
export const costSumSchema = costSchema
  .extend({
    status: z.enum(SUM_STATUSES),
    unknownSpans: z
      .number()
      .int()
      .meta({ description: 'spans with a usage whose cost is not known, so not in the sum' }),
  })
  .meta({ id: 'CostSum' })

/** An integer as JSON holds it exactly. */
export function countJson(count: bigint | number): number | string {
  return Number.isSafeInteger(Number(count)) ? Number(count) : count.toString()
}

export function usageJson(
  usage: { readonly [K in keyof UsageTotals]: bigint | number | null },
): z.input<typeof usageSchema> {
  const json = (count: bigint | number | null) => (count === null ? null : countJson(count))
  return {
    inputTokens: json(usage.inputTokens),
    outputTokens: json(usage.outputTokens),
    totalTokens: json(usage.totalTokens),
    cacheReadTokens: json(usage.cacheReadTokens),
    cacheWriteTokens: json(usage.cacheWriteTokens),
    reasoningTokens: json(usage.reasoningTokens),
  }
}

export function costSumJson(costPicoUsd: bigint | null, unknownSpans: number): z.input<typeof costSumSchema> {
  return {
    ...costJson(costPicoUsd),
    status: sumStatus(costPicoUsd !== null, unknownSpans > 0),
    unknownSpans,
  }
}

function sumStatus(someKnown: boolean, someUnknown: boolean): (typeof SUM_STATUSES)[number] {
  if (someUnknown) return someKnown ? 'partial' : 'unknown'
  return someKnown ? 'priced' : 'no_usage'
}
