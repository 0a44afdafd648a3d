import { COMPOSITE_OPERATIONS } from '../genai/operations.ts'
import { attributeText } from '../spans/attribute-text.ts'
import type { Ledger } from '../spans/ledger.ts'
import { cutName } from '../spans/name.ts'
import { spanBytes } from '../spans/size.ts'
import { durationNanos, serviceName } from '../spans/span.ts'
import { type Correction, supersedes, toCorrection } from './correction.ts'
import { scanByPages } from './scan.ts'
import { MAX_TRACE_MODELS } from './trace-models.ts'
import {
  type Cursor,
  MAX_READ_BYTES,
  type Page,
  type SortOrder,
  type SpanBatch,
  type SpanFilter,
  type StoredSpan,
  type TraceQuery,
  type TraceStore,
  type TraceSummary,
  type UsageDimension,
  type UsageRow,
  type UsageTotals,
} from './trace-store.ts'

/** A trace store that keeps plain objects and looks at all of them each time: what the others are held against. */
export function createModelStore(): TraceStore {
  const digests = new Set<string>()
  const spans = new Map<string, StoredSpan>()
  const ledgers = new Map<string, { correction: Correction; ledger: Ledger }>()
  const counts = new Map<string, { stored: bigint; duplicates: bigint }>()

  const all = () =>
    [...spans].map(([id, { span, ledger, context }]) => ({ span, ledger: ledgers.get(id)?.ledger ?? ledger, context }))

  function writeBatch({ context, spans: incoming, corrections = [] }: SpanBatch) {
    const result = { stored: 0, duplicates: 0 }
    if (digests.has(context.digest)) return result
    digests.add(context.digest)
    for (const priced of incoming) {
      const id = `${context.project}/${priced.span.traceId}/${priced.span.spanId}`
      const holder = spans.get(id)
      result[holder === undefined ? 'stored' : 'duplicates']++
      if (holder === undefined || !holds(holder, { ...priced, context })) spans.set(id, { ...priced, context })
    }
    for (const { span, ledger } of corrections) {
      const id = `${context.project}/${span.traceId}/${span.spanId}`
      const correction = toCorrection(ledger)
      if (supersedes(correction, ledgers.get(id)?.correction)) ledgers.set(id, { correction, ledger })
    }
    const total = counts.get(context.project) ?? { stored: 0n, duplicates: 0n }
    counts.set(context.project, {
      stored: total.stored + BigInt(result.stored),
      duplicates: total.duplicates + BigInt(result.duplicates),
    })
    return result
  }

  const store: Omit<TraceStore, 'scanSpans'> = {
    write: async (batches) => Array.from(batches, writeBatch),
    close: async () => undefined,
    counts: async (project) => counts.get(project) ?? { stored: 0n, duplicates: 0n },
    async getTrace(project, traceId, { limit, maxBytes }) {
      const spans = all()
        .filter(({ span, context }) => context.project === project && span.traceId === traceId)
        .sort(
          (a, b) =>
            compare(a.span.startTimeUnixNano, b.span.startTimeUnixNano) || compare(a.span.spanId, b.span.spanId),
        )
      const shown = fitting(spans.slice(0, limit), maxBytes)
      return { spans: shown, truncated: shown.length < spans.length }
    },
    async listSpans({ filter, sort, order, pageSize, after, maxBytes }) {
      const place = ({ span, ledger }: StoredSpan): Cursor => ({
        value: {
          startTime: span.startTimeUnixNano,
          duration: durationNanos(span),
          cost: ledger.costPicoUsd ?? -1n,
          trace: 0n,
        }[sort],
        id: `${span.traceId}:${span.spanId}`,
      })
      const { items, next } = page(
        all().filter((stored) => meets(stored, filter, all) && spanWithin(stored, filter)),
        place,
        order,
        pageSize,
        after,
      )
      const shown = fitting(items, maxBytes)
      return { items: shown, next: shown.length < items.length ? place(shown.at(-1) as StoredSpan) : next }
    },
    async listTraces({ filter, sort, order, pageSize, after }) {
      const matching = new Set(
        all()
          .filter((stored) => meets(stored, filter, all))
          .map(({ span }) => span.traceId),
      )
      const traces = [...matching]
        .map((id) =>
          summarise(all().filter(({ span, context }) => span.traceId === id && context.project === filter.project)),
        )
        .filter((trace) => within(trace.costPicoUsd, traceDuration(trace), filter))
      return page(traces, (trace) => ({ value: traceValue(trace, sort), id: trace.traceId }), order, pageSize, after)
    },
    async usage({ filter, groupBy, intervalNanos }) {
      const groups = new Map<string, StoredSpan[]>()
      for (const stored of all().filter((each) => meets(each, filter, all) && spanWithin(each, filter))) {
        const start = stored.span.startTimeUnixNano
        const interval = intervalNanos === undefined ? null : start - (start % intervalNanos)
        const key = JSON.stringify([interval?.toString() ?? null, ...groupBy.map((by) => dimension(stored, by))])
        groups.set(key, [...(groups.get(key) ?? []), stored])
      }
      return [...groups]
        .map(([key, members]) => {
          const [interval, ...group] = JSON.parse(key) as [string | null, ...string[]]
          return usageRow(interval === null ? null : BigInt(interval), group, members)
        })
        .sort(
          (a, b) =>
            compare(a.intervalStart ?? 0n, b.intervalStart ?? 0n) ||
            compare(b.costPicoUsd ?? -1n, a.costPicoUsd ?? -1n) ||
            a.group.reduce((found, text, index) => found || compare(text, b.group[index] as string), 0),
        )
    },
  }
  return { ...store, ...scanByPages(store) }
}

function holds(holder: StoredSpan, later: StoredSpan): boolean {
  const [a, b] = [holder.span.endTimeUnixNano, later.span.endTimeUnixNano]
  return a === b ? holder.context.digest > later.context.digest : a > b
}

function meets(stored: StoredSpan, filter: SpanFilter, all: () => readonly StoredSpan[]): boolean {
  const { span, ledger, context } = stored
  const anyOf = <T>(value: T, wanted: readonly T[] | undefined) => wanted === undefined || wanted.includes(value)
  return (
    context.project === filter.project &&
    (filter.from === undefined || span.startTimeUnixNano >= filter.from) &&
    (filter.to === undefined || span.startTimeUnixNano < filter.to) &&
    (filter.traceId === undefined || span.traceId === filter.traceId) &&
    (filter.traceIds === undefined || span.traceId >= filter.traceIds.from) &&
    (filter.traceIds?.to === undefined || span.traceId < filter.traceIds.to) &&
    (filter.tracesWith === undefined || isInTraceWith(stored, filter.tracesWith, all)) &&
    anyOf(span.name, filter.name) &&
    anyOf(span.kind, filter.kind) &&
    anyOf(span.statusCode, filter.status) &&
    anyOf(serviceName(span), filter.service) &&
    anyOf(ledger.operation, filter.operation) &&
    anyOf(ledger.provider, filter.provider) &&
    anyOf(ledger.model, filter.model) &&
    anyOf(ledger.userId, filter.user) &&
    anyOf(ledger.sessionId, filter.session) &&
    anyOf(ledger.environment, filter.environment) &&
    anyOf(context.keyId ?? '', filter.key) &&
    anyOf(ledger.costStatus, filter.costStatus) &&
    (filter.attributes ?? []).every(({ key, value }) => {
      const attribute = span.attributes.get(key)
      return attribute !== undefined && attributeText(attribute) === value
    })
  )
}

function isInTraceWith({ span, context }: StoredSpan, filter: SpanFilter, all: () => readonly StoredSpan[]): boolean {
  return all().some(
    (other) =>
      other.span.traceId === span.traceId &&
      meets(other, { ...filter, project: context.project }, all) &&
      spanWithin(other, filter),
  )
}

function spanWithin({ span, ledger }: StoredSpan, filter: SpanFilter): boolean {
  return within(ledger.costPicoUsd, durationNanos(span), filter)
}

function within(cost: bigint | null, duration: bigint, filter: SpanFilter): boolean {
  const { minCostPicoUsd: minCost, maxCostPicoUsd: maxCost, minDurationNanos: min, maxDurationNanos: max } = filter
  return (
    (minCost === undefined || (cost !== null && cost >= minCost)) &&
    (maxCost === undefined || (cost !== null && cost <= maxCost)) &&
    (min === undefined || duration >= min) &&
    (max === undefined || duration <= max)
  )
}

function page<T>(
  items: readonly T[],
  place: (item: T) => Cursor,
  order: SortOrder,
  pageSize: number,
  after: Cursor | undefined,
): Page<T> {
  const sign = order === 'asc' ? 1 : -1
  const by = (a: Cursor, b: Cursor) => sign * (compare(a.value, b.value) || compare(a.id, b.id))
  const sorted = items.toSorted((a, b) => by(place(a), place(b)))
  const rest = after === undefined ? sorted : sorted.filter((item) => by(place(item), after) > 0)
  const shown = rest.slice(0, pageSize)
  return { items: shown, next: rest.length > pageSize ? place(shown.at(-1) as T) : null }
}

/** The first of `spans` and those after it until they are too large together. */
function fitting(spans: readonly StoredSpan[], maxBytes = MAX_READ_BYTES): StoredSpan[] {
  let bytes = 0
  return spans.filter(({ span }, index) => {
    bytes += spanBytes(span)
    return index === 0 || bytes <= maxBytes
  })
}

function summarise(members: readonly StoredSpan[]): TraceSummary {
  const first = members.toSorted(
    (a, b) =>
      Number(a.span.parentSpanId !== '') - Number(b.span.parentSpanId !== '') ||
      compare(a.span.startTimeUnixNano, b.span.startTimeUnixNano) ||
      compare(a.span.spanId, b.span.spanId),
  )
  const root = first[0] as StoredSpan
  const errorCount = members.filter(({ span }) => span.statusCode === 'ERROR').length
  return {
    traceId: root.span.traceId,
    name: cutName(root.span.name),
    serviceName: serviceName(root.span),
    startTimeUnixNano: least(members.map(({ span }) => span.startTimeUnixNano)),
    endTimeUnixNano: greatest(members.map(({ span }) => span.endTimeUnixNano)),
    status: errorCount > 0 ? 'ERROR' : root.span.statusCode,
    spanCount: members.length,
    errorCount,
    models: [...new Set(members.map(({ ledger }) => ledger.model))]
      .filter((model) => model !== '')
      .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      .slice(0, MAX_TRACE_MODELS)
      .sort(),
    userId: first.find(({ ledger }) => ledger.userId !== '')?.ledger.userId ?? '',
    sessionId: first.find(({ ledger }) => ledger.sessionId !== '')?.ledger.sessionId ?? '',
    usage: totals(members),
    costPicoUsd: sum(members.map(({ ledger }) => ledger.costPicoUsd)),
    unknownCostCount: unknownCosts(members),
  }
}

function usageRow(intervalStart: bigint | null, group: readonly string[], members: readonly StoredSpan[]): UsageRow {
  const calls = members.filter(
    ({ ledger }) =>
      (ledger.operation !== '' || ledger.model !== '') &&
      ledger.costStatus !== 'rollup' &&
      !(COMPOSITE_OPERATIONS as readonly string[]).includes(ledger.operation),
  )
  const compared = members.filter(
    ({ ledger }) =>
      ledger.reportedCostPicoUsd !== null &&
      ledger.costPicoUsd !== null &&
      !(COMPOSITE_OPERATIONS as readonly string[]).includes(ledger.operation),
  )
  const durations = calls.map(({ span }) => durationNanos(span)).sort(compare)
  const rank = (percent: number) => durations[Math.ceil((durations.length * percent) / 100) - 1] as bigint
  const starts = members.map(({ span }) => span.startTimeUnixNano)
  return {
    intervalStart,
    group,
    requests: new Set(members.map(({ span }) => span.traceId)).size,
    calls: calls.length,
    spans: members.length,
    errors: members.filter(({ span }) => span.statusCode === 'ERROR').length,
    usage: totals(members),
    costPicoUsd: sum(members.map(({ ledger }) => ledger.costPicoUsd)),
    unknownCostCount: unknownCosts(members),
    reported: {
      calls: compared.length,
      reportedPicoUsd: sum(compared.map(({ ledger }) => ledger.reportedCostPicoUsd)),
      ownPicoUsd: sum(compared.map(({ ledger }) => ledger.costPicoUsd)),
    },
    latency: calls.length === 0 ? null : { p50: rank(50), p95: rank(95), p99: rank(99) },
    firstSeen: least(starts),
    lastSeen: greatest(starts),
  }
}

function totals(members: readonly StoredSpan[]): UsageTotals {
  const of = (field: keyof UsageTotals) =>
    sum(members.map(({ ledger }) => (ledger[field] === null ? null : BigInt(ledger[field]))))
  return {
    inputTokens: of('inputTokens'),
    outputTokens: of('outputTokens'),
    totalTokens: of('totalTokens'),
    cacheReadTokens: of('cacheReadTokens'),
    cacheWriteTokens: of('cacheWriteTokens'),
    reasoningTokens: of('reasoningTokens'),
  }
}

function dimension({ span, ledger, context }: StoredSpan, by: UsageDimension): string {
  return {
    model: ledger.model,
    provider: ledger.provider,
    user: ledger.userId,
    session: ledger.sessionId,
    service: serviceName(span),
    operation: ledger.operation,
    environment: ledger.environment,
    key: context.keyId ?? '',
    reason: memberText(ledger.receipt, 'reason'),
    serviceTier: memberText(ledger.receipt, 'serviceTier'),
  }[by]
}

function memberText(json: string, member: string): string {
  try {
    return (JSON.parse(json) as Partial<Record<string, string>>)[member] ?? ''
  } catch {
    return ''
  }
}

function traceValue(trace: TraceSummary, sort: TraceQuery['sort']): bigint {
  return {
    startTime: trace.startTimeUnixNano,
    duration: traceDuration(trace),
    cost: trace.costPicoUsd ?? -1n,
    spanCount: BigInt(trace.spanCount),
  }[sort]
}

function traceDuration({ startTimeUnixNano, endTimeUnixNano }: TraceSummary): bigint {
  return greatest([endTimeUnixNano - startTimeUnixNano, 0n])
}

function unknownCosts(members: readonly StoredSpan[]): number {
  return members.filter(({ ledger }) => ['unpriced', 'ambiguous'].includes(ledger.costStatus)).length
}

function sum(values: readonly (bigint | null)[]): bigint | null {
  return values.reduce((total, value) => (value === null ? total : (total ?? 0n) + value), null)
}

function least(values: readonly bigint[]): bigint {
  return values.reduce((a, b) => (a < b ? a : b))
}

function greatest(values: readonly bigint[]): bigint {
  return values.reduce((a, b) => (a > b ? a : b))
}

function compare<T extends bigint | string>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0
}
