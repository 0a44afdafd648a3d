import { type GenAiCall, isGenAiCall } from '../genai/call.ts'
import type { Usage } from '../genai/usage.ts'
import type { Ledger } from '../spans/ledger.ts'
import type { Span } from '../spans/span.ts'
import { hasListedPrice, subjectLedger, unusedLedger, usageLedger } from './call-ledger.ts'
import type { Catalogue } from './catalogue.ts'
import { type FirstSaid, firstSaid } from './receipt.ts'
import { billUsages, hasUsage, readSlices, type SpanReadings } from './slice.ts'

export interface PricerOptions {
  readonly catalogue: Catalogue
}

export interface PriceContext {
  /** The tenant, whose own prices come first. */
  readonly project: string
}

/** What each usage of a message bills itself, by trace and span id. */
export type Bills = ReadonlyMap<string, ReadonlyMap<string, Usage>>

/** Prices spans: at the same prices the same spans give the same ledgers, whenever and in whatever order. */
export interface Pricer {
  /** To be waited for before spans of these projects are priced; rejects with `store/unavailable`. */
  prepare(projects: Iterable<string>): Promise<void>
  /** Prices the spans of one message, as if no others were of their traces. */
  price(spans: readonly Span[], context: PriceContext): Ledger[]
  /** Prices spans already read, each usage at what it bills. */
  priceReading(reading: SpanReadings, spans: readonly Span[], bills: Bills, context: PriceContext): Ledger[]
  /** Prices one call at what it bills, at the prices of its start time. */
  priceUsage(call: GenAiCall, billed: Usage, startTimeUnixNano: bigint, context: PriceContext): Ledger
  /** What to remember of that price: undefined where it is that of projects without prices of their own, which stays. */
  ownPrice(call: GenAiCall, billed: Usage, startTimeUnixNano: bigint, context: PriceContext): FirstSaid | undefined
}

/** Creates a {@link Pricer} over a catalogue. */
export function createPricer({ catalogue }: PricerOptions): Pricer {
  const priceReading: Pricer['priceReading'] = ({ calls }, spans, bills, { project }) =>
    calls.map((call, position) => {
      if (!isGenAiCall(call)) return subjectLedger(call)
      if (!hasUsage(call)) return unusedLedger(call)
      const { traceId, spanId, startTimeUnixNano } = spans[position]!
      return usageLedger(call, bills.get(traceId)!.get(spanId)!, startTimeUnixNano, { catalogue, project })
    })
  return {
    prepare: (projects) => catalogue.prepare(projects),
    priceReading,
    priceUsage: (call, billed, startTimeUnixNano, { project }) =>
      usageLedger(call, billed, startTimeUnixNano, { catalogue, project }),
    ownPrice: (call, billed, startTimeUnixNano, { project }) => {
      const prices = { catalogue, project }
      if (hasListedPrice(call, startTimeUnixNano, prices)) return undefined
      return firstSaid(usageLedger(call, billed, startTimeUnixNano, prices))
    },
    price: (spans, context) => {
      const reading = readSlices(spans)
      return priceReading(reading, spans, billAlone(reading), context)
    },
  }
}

/** What each usage bills when nothing else is known of its trace. */
export function billAlone({ slices }: SpanReadings): Bills {
  const bills = new Map<string, Map<string, Usage>>()
  for (const { traceId, usages, links } of slices.values()) {
    const billed = billUsages(usages, links)
    bills.set(traceId, new Map(usages.map(({ spanId }, position) => [spanId, billed[position]!])))
  }
  return bills
}
