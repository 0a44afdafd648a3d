import { z } from '@hono/zod-openapi'
import { formatTime } from '../../shared/http/time.ts'
import { STATUS_CODES, serviceName } from '../../shared/spans/span.ts'
import { firstModels, MAX_TRACE_MODELS } from '../../shared/warehouse/trace-models.ts'
import type { StoredSpan, TraceSummary, UsageTotals } from '../../shared/warehouse/trace-store.ts'
import { endTimeJson, spanSchema } from './span-json.ts'
import { costSumJson, costSumSchema, countJson, countSchema, usageJson, usageSchema } from './usage-json.ts'

export const traceSchema = z
  .object({
    traceId: z.string(),
    projectId: z.string(),
    name: z.string().meta({ description: 'of the root; while it has not arrived, of the earliest span' }),
    serviceName: z.string(),
    startTime: z.string().meta({ description: 'RFC 3339, up to nanoseconds' }),
    endTime: z.string().nullable().meta({ description: 'RFC 3339; null while no span has ended' }),
    durationNs: countSchema,
    status: z.enum(STATUS_CODES).meta({ description: "ERROR if any span has failed; else the root's" }),
    spanCount: z.number().int(),
    errorCount: z.number().int(),
    models: z.array(z.string()).meta({ description: `the first ${MAX_TRACE_MODELS} of those called` }),
    userId: z.string(),
    sessionId: z.string(),
    usage: usageSchema,
    cost: costSumSchema,
  })
  .meta({ id: 'Trace' })

export const traceDetailSchema = traceSchema
  .extend({
    spans: z.array(spanSchema).meta({ description: 'in order of start time' }),
    truncated: z.boolean().meta({ description: 'whether there are more spans than are shown; the sums are over all' }),
  })
  .meta({ id: 'TraceDetail' })

export function traceJson(project: string, trace: TraceSummary): z.input<typeof traceSchema> {
  const { startTimeUnixNano, endTimeUnixNano } = trace
  return {
    traceId: trace.traceId,
    projectId: project,
    name: trace.name,
    serviceName: trace.serviceName,
    startTime: formatTime(startTimeUnixNano),
    endTime: endTimeJson(endTimeUnixNano),
    durationNs: countJson(endTimeUnixNano > startTimeUnixNano ? endTimeUnixNano - startTimeUnixNano : 0n),
    status: trace.status,
    spanCount: trace.spanCount,
    errorCount: trace.errorCount,
    models: [...trace.models],
    userId: trace.userId,
    sessionId: trace.sessionId,
    usage: usageJson(trace.usage),
    cost: costSumJson(trace.costPicoUsd, trace.unknownCostCount),
  }
}

/** What a list would show of a trace that consists of `spans`, at least one, in order of start time. */
export function summarize(spans: readonly [StoredSpan, ...StoredSpan[]]): TraceSummary {
  const rootsFirst = [
    ...spans.filter(({ span }) => span.parentSpanId === ''),
    ...spans.filter(({ span }) => span.parentSpanId !== ''),
  ]
  const head = rootsFirst[0] ?? spans[0]
  const errorCount = spans.filter(({ span }) => span.statusCode === 'ERROR').length
  return {
    traceId: head.span.traceId,
    name: head.span.name,
    serviceName: serviceName(head.span),
    startTimeUnixNano: spans[0].span.startTimeUnixNano,
    endTimeUnixNano: spans.reduce((end, { span }) => (span.endTimeUnixNano > end ? span.endTimeUnixNano : end), 0n),
    status: errorCount > 0 ? 'ERROR' : head.span.statusCode,
    spanCount: spans.length,
    errorCount,
    models: firstModels(new Set(spans.map(({ ledger }) => ledger.model).filter((model) => model !== ''))),
    userId: rootsFirst.find(({ ledger }) => ledger.userId !== '')?.ledger.userId ?? '',
    sessionId: rootsFirst.find(({ ledger }) => ledger.sessionId !== '')?.ledger.sessionId ?? '',
    usage: {
      inputTokens: sum(spans, 'inputTokens'),
      outputTokens: sum(spans, 'outputTokens'),
      totalTokens: sum(spans, 'totalTokens'),
      cacheReadTokens: sum(spans, 'cacheReadTokens'),
      cacheWriteTokens: sum(spans, 'cacheWriteTokens'),
      reasoningTokens: sum(spans, 'reasoningTokens'),
    },
    costPicoUsd: sum(spans, 'costPicoUsd'),
    unknownCostCount: spans.filter(
      ({ ledger: { costStatus } }) => costStatus === 'unpriced' || costStatus === 'ambiguous',
    ).length,
  }
}

function sum(spans: readonly StoredSpan[], field: keyof UsageTotals | 'costPicoUsd'): bigint | null {
  let total: bigint | null = null
  for (const { ledger } of spans) {
    const value = ledger[field]
    if (value !== null) total = (total ?? 0n) + BigInt(value)
  }
  return total
}
