import { z } from '@hono/zod-openapi'
import { SpanledgerError } from '../../shared/errors.ts'
import { usdToPico } from '../../shared/http/money.ts'
import { parseTime } from '../../shared/http/time.ts'
import { COST_STATUSES } from '../../shared/spans/ledger.ts'
import { SPAN_KINDS, STATUS_CODES } from '../../shared/spans/span.ts'
import type { SpanFilter } from '../../shared/warehouse/trace-store.ts'
import { attribute, choices, millis, parameter, repeatable, text, traceId } from './parameters.ts'

/** The query parameters that choose spans, the same on every list and sum. Without any, all spans of the project. */
export const filterParameters = {
  from: parameter('earliest start time, inclusive; RFC 3339', parseTime, '2026-01-01T00:00:00Z'),
  to: parameter('latest start time, exclusive; RFC 3339', parseTime, '2026-02-01T00:00:00Z'),
  traceId: parameter('32 hex digits', traceId),
  name: repeatable('span name', text),
  kind: choices('span kind', SPAN_KINDS, 'CLIENT'),
  service: repeatable('service.name', text),
  operation: repeatable('GenAI operation', text, 'chat'),
  provider: repeatable('GenAI provider', text, 'openai'),
  model: repeatable('model', text, 'gpt-4o-mini'),
  user: repeatable('end user; empty for spans without', text),
  session: repeatable('session or conversation; empty for spans without', text),
  environment: repeatable('deployment environment', text),
  key: repeatable('id of the API key that sent it; empty for spans sent without one', text),
  status: choices('span status', STATUS_CODES, 'ERROR'),
  costStatus: choices('what is known of the cost', COST_STATUSES, 'unpriced'),
  attribute: repeatable('span attribute: key=value or key:value; all of them must hold', attribute, 'tier=gold'),
  minCostUsd: parameter('least known cost, inclusive', usdToPico, '0.01'),
  maxCostUsd: parameter('greatest known cost, inclusive', usdToPico),
  minDurationMs: parameter('least duration in milliseconds, inclusive', millis, '1500'),
  maxDurationMs: parameter('greatest duration in milliseconds, inclusive', millis),
}

const parsed = z.object(filterParameters)
export type FilterParameters = z.output<typeof parsed>

/** The filter that the parameters ask for, within `project`. Throws `query/invalid` for a range that is empty. */
export function toFilter(project: string, given: FilterParameters): SpanFilter {
  const { attribute, minCostUsd, maxCostUsd, minDurationMs, maxDurationMs, ...same } = given
  refuseEmpty('from', same.from, 'to', same.to, true)
  refuseEmpty('minCostUsd', minCostUsd, 'maxCostUsd', maxCostUsd, false)
  refuseEmpty('minDurationMs', minDurationMs, 'maxDurationMs', maxDurationMs, false)
  return {
    project,
    ...defined({
      ...same,
      attributes: attribute,
      minCostPicoUsd: minCostUsd,
      maxCostPicoUsd: maxCostUsd,
      minDurationNanos: minDurationMs,
      maxDurationNanos: maxDurationMs,
    }),
  }
}

function defined<T extends object>(object: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(object).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> }
}

function refuseEmpty(
  lowName: string,
  low: bigint | undefined,
  highName: string,
  high: bigint | undefined,
  exclusive: boolean,
): void {
  if (low === undefined || high === undefined || low < high || (low === high && !exclusive)) return
  throw new SpanledgerError('query/invalid', `${lowName} must be before ${highName}: nothing lies between them`)
}
