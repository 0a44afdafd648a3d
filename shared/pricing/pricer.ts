import { type GenAiCall, isGenAiCall, readCall, type Subject } from '../genai/call.ts'
import { inputTokens, isNothing, LEAF, outputTokens, type Usage } from '../genai/usage.ts'
import { EMPTY_LEDGER, type Ledger } from '../spans/ledger.ts'
import type { Span } from '../spans/span.ts'
import type { Catalogue, Quote } from './catalogue.ts'
import { findParents, type UsageSpan } from './lineage.ts'
import { picoUsd } from './money.ts'
import type { PricePlan } from './plan.ts'
import { type Bill, bill } from './receipt.ts'
import { rollUp } from './rollup.ts'

export interface PricerOptions {
  readonly catalogue: Catalogue
}

export interface PriceContext {
  /** The tenant, whose own prices come first. */
  readonly project: string
}

/** Prices the spans of one message. Pure: the same spans give the same ledgers, whenever and in whatever order. */
export interface Pricer {
  price(spans: readonly Span[], context: PriceContext): Ledger[]
}

/** Creates a {@link Pricer} over a catalogue. */
export function createPricer({ catalogue }: PricerOptions): Pricer {
  return {
    price: (spans) => {
      const ledgers: Ledger[] = new Array(spans.length)
      const usages: UsageSpan[] = []
      for (let position = 0; position < spans.length; position++) {
        const call = readCall(spans[position]!)
        if (!isGenAiCall(call)) ledgers[position] = subjectLedger(call)
        else if (call.resolution.kind === 'known' || call.resolution.kind === 'ambiguous')
          usages.push({ position, call, usage: call.resolution.usage })
        else ledgers[position] = unusedLedger(call)
      }
      const billed = billedUsages(spans, usages)
      for (const [index, { position, call }] of usages.entries())
        ledgers[position] = usageLedger(call, billed[index]!, spans[position]!, catalogue)
      return ledgers
    },
  }
}

function billedUsages(spans: readonly Span[], usages: readonly UsageSpan[]): readonly Usage[] {
  const parents = findParents(spans, usages)
  return rollUp(usages.map(({ call, usage }, index) => ({ usage, summary: call.summary, parent: parents[index]! })))
}

function subjectLedger({ userId, sessionId, environment }: Subject): Ledger {
  if (userId === '' && sessionId === '' && environment === '') return EMPTY_LEDGER
  return { ...EMPTY_LEDGER, userId, sessionId, environment }
}

function callLedger(call: GenAiCall): Ledger {
  return {
    ...EMPTY_LEDGER,
    operation: call.operation,
    provider: call.provider,
    model: call.responseModel || call.requestModel,
    userId: call.userId,
    sessionId: call.sessionId,
    environment: call.environment,
    requestModel: call.requestModel,
    agentName: call.agentName,
    toolName: call.toolName,
    dialect: call.dialect,
    reportedCostPicoUsd: call.reportedCostUsd === undefined ? null : picoUsd(call.reportedCostUsd),
  }
}

function unusedLedger(call: GenAiCall): Ledger {
  const ledger = callLedger(call)
  if (call.resolution.kind !== 'refused') return ledger
  return { ...ledger, receipt: `{"dialect":"${call.dialect}","reason":${JSON.stringify(call.resolution.reason)}}` }
}

function usageLedger(call: GenAiCall, usage: Usage, span: Span, catalogue: Catalogue): Ledger {
  const { resolution } = call
  if (resolution.kind !== 'known' && resolution.kind !== 'ambiguous') return unusedLedger(call)
  const ledger: Writable<Ledger> = callLedger(call)
  const head = `{"dialect":"${call.dialect}","rule":"${resolution.rule}"`
  const explained = usage !== resolution.usage
  if (explained && isNothing(usage) && !isNothing(resolution.usage)) {
    countTokens(ledger, usage)
    ledger.costStatus = 'rollup'
    ledger.receipt = `${head},"reason":"reported by the spans below"}`
    return ledger
  }
  const quote = findQuote(call, catalogue)
  if (resolution.kind === 'known' || explained) countTokens(ledger, usage)
  if (typeof quote === 'string') return unpriced(ledger, head, quote)
  const plan = quote.at(span.startTimeUnixNano)
  ledger.priceVersion = catalogue.version
  if (resolution.kind === 'ambiguous' && !explained)
    return priceEither(ledger, head, plan, bill(usage, plan), bill(resolution.other, plan))
  if (call.composite && plan.tiers.length > 1)
    return priceEither(ledger, head, plan, bill(usage, plan, plan.tiers[0]), bill(usage, plan))
  return priceOne(ledger, head, plan, bill(usage, plan))
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

function findQuote(call: GenAiCall, catalogue: Catalogue): Quote | string {
  const { provider, responseModel, requestModel, serviceTier } = call
  const answered = catalogue.find(provider, responseModel || requestModel, serviceTier)
  if (typeof answered !== 'string' || responseModel === '' || requestModel === '' || requestModel === responseModel)
    return answered
  const asked = catalogue.find(provider, requestModel, serviceTier)
  return typeof asked === 'string' ? answered : asked
}

function countTokens(ledger: Writable<Ledger>, usage: Usage): void {
  const input = inputTokens(usage)
  const output = outputTokens(usage)
  ledger.inputTokens = input
  ledger.outputTokens = output
  ledger.totalTokens = input + output
  ledger.cacheReadTokens =
    usage[LEAF.cache_read_tokens]! + usage[LEAF.cache_read_audio_tokens]! + usage[LEAF.cache_read_image_tokens]!
  ledger.cacheWriteTokens = usage[LEAF.cache_write_5m_tokens]! + usage[LEAF.cache_write_1h_tokens]!
  ledger.reasoningTokens = usage[LEAF.reasoning_tokens]!
}

function unpriced(ledger: Writable<Ledger>, head: string, reason: string): Ledger {
  ledger.costStatus = 'unpriced'
  ledger.priceVersion = ''
  ledger.receipt = `${head},"reason":${JSON.stringify(reason)}}`
  return ledger
}

function priceOne(ledger: Writable<Ledger>, head: string, plan: PricePlan, one: Bill): Ledger {
  if ('missing' in one) return unpriced(ledger, head, `no price for ${one.missing} of ${plan.id}`)
  ledger.costPicoUsd = one.total
  ledger.costStatus = plan.free ? 'free' : 'priced'
  const above = one.above > 0 ? `,"above":${one.above}` : ''
  ledger.receipt = `${head},${plan.receiptHead}${above},"lines":[${one.lines}],"total":"${one.total}"}`
  return ledger
}

/** The cost lies between two bills; where they agree it is known after all. */
function priceEither(ledger: Writable<Ledger>, head: string, plan: PricePlan, one: Bill, other: Bill): Ledger {
  if ('missing' in one || 'missing' in other || one.total === other.total) return priceOne(ledger, head, plan, one)
  const [lower, upper] = one.total < other.total ? [one, other] : [other, one]
  ledger.costStatus = 'ambiguous'
  ledger.costLowerPicoUsd = lower.total
  ledger.costUpperPicoUsd = upper.total
  const more = `"upper":{"lines":[${upper.lines}],"total":"${upper.total}"}`
  ledger.receipt = `${head},${plan.receiptHead},"lines":[${lower.lines}],"total":"${lower.total}",${more}}`
  return ledger
}
