import { z } from '@hono/zod-openapi'
import { costJson, costSchema } from '../../shared/http/money.ts'
import { formatTime } from '../../shared/http/time.ts'
import type { ReportedCosts, UsageRow } from '../../shared/warehouse/trace-store.ts'
import { costSumJson, costSumSchema, countJson, countSchema, usageJson, usageSchema } from './usage-json.ts'

/** What a set of spans used and cost. */
export const spendSchema = z
  .object({
    requests: z.number().int().meta({ description: 'distinct traces' }),
    calls: z.number().int().meta({ description: 'spans that are GenAI calls' }),
    spans: z.number().int(),
    errors: z.number().int().meta({ description: 'spans that failed' }),
    usage: usageSchema,
    cost: costSumSchema,
    reported: z
      .object({
        calls: z.number().int(),
        cost: costSchema,
        ours: costSchema,
        difference: costSchema.meta({ description: 'what emitters reported less what we say' }),
      })
      .meta({
        description: 'calls whose emitter said what they cost, and of which we know it too: both, and the difference',
      }),
    latency: z
      .object({ p50Ns: countSchema, p95Ns: countSchema, p99Ns: countSchema })
      .nullable()
      .meta({ description: 'nearest-rank percentiles of the durations of GenAI calls; null without calls' }),
    firstSeen: z.string().nullable(),
    lastSeen: z.string().nullable(),
  })
  .meta({ id: 'Spend' })

type Spend = Omit<UsageRow, 'intervalStart' | 'group'>

/** The sums over no spans at all. */
export const NO_SPEND: Spend = {
  requests: 0,
  calls: 0,
  spans: 0,
  errors: 0,
  usage: {
    inputTokens: null,
    outputTokens: null,
    totalTokens: null,
    cacheReadTokens: null,
    cacheWriteTokens: null,
    reasoningTokens: null,
  },
  costPicoUsd: null,
  unknownCostCount: 0,
  reported: { calls: 0, reportedPicoUsd: null, ownPicoUsd: null },
  latency: null,
  firstSeen: 0n,
  lastSeen: 0n,
}

export function spendJson(row: Spend): z.input<typeof spendSchema> {
  const { requests, calls, spans, errors, latency } = row
  return {
    requests,
    calls,
    spans,
    errors,
    usage: usageJson(row.usage),
    cost: costSumJson(row.costPicoUsd, row.unknownCostCount),
    reported: reportedJson(row.reported),
    latency: latency && { p50Ns: countJson(latency.p50), p95Ns: countJson(latency.p95), p99Ns: countJson(latency.p99) },
    firstSeen: spans === 0 ? null : formatTime(row.firstSeen),
    lastSeen: spans === 0 ? null : formatTime(row.lastSeen),
  }
}

function reportedJson({ calls, reportedPicoUsd, ownPicoUsd }: ReportedCosts) {
  const difference = reportedPicoUsd === null || ownPicoUsd === null ? null : reportedPicoUsd - ownPicoUsd
  return { calls, cost: costJson(reportedPicoUsd), ours: costJson(ownPicoUsd), difference: costJson(difference) }
}
