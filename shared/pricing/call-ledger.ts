import type { GenAiCall, Subject } from '../genai/call.ts'
import {
  inputTokens,
  isNothing,
  LEAF,
  lessUsage,
  outputTokens,
  sameUsage,
  type Usage,
  unexplained,
} from '../genai/usage.ts'
import { EMPTY_LEDGER, type Ledger } from '../spans/ledger.ts'
import { type Catalogue, NOBODY } from './catalogue.ts'
import { picoUsd } from './money.ts'
import type { PricePlan } from './plan.ts'
import { type Bill, bill, tierOf } from './receipt.ts'
import { namedTier } from './service-tiers.ts'

/** The ledger of a span that is no model call. */
export function subjectLedger({ userId, sessionId, environment }: Subject): Ledger {
  if (userId === '' && sessionId === '' && environment === '') return EMPTY_LEDGER
  return { ...EMPTY_LEDGER, userId, sessionId, environment }
}

/** Spelt out in the order of {@link EMPTY_LEDGER}, so that V8 has one shape for both: copying that one takes twice the time. */
function callLedger(call: GenAiCall): Writable<Ledger> {
  return {
    operation: call.operation,
    provider: call.provider,
    model: call.responseModel || call.requestModel,
    inputTokens: null,
    outputTokens: null,
    totalTokens: null,
    cacheReadTokens: null,
    cacheWriteTokens: null,
    reasoningTokens: null,
    costPicoUsd: null,
    costStatus: 'no_usage',
    priceVersion: '',
    receipt: '',
    userId: call.userId,
    sessionId: call.sessionId,
    environment: call.environment,
    requestModel: call.requestModel,
    agentName: call.agentName,
    toolName: call.toolName,
    dialect: call.dialect,
    costLowerPicoUsd: null,
    costUpperPicoUsd: null,
    reportedCostPicoUsd: call.reportedCostUsd === undefined ? null : picoUsd(call.reportedCostUsd),
    revision: 0,
  }
}

/** The ledger of a call that reports no usage, or none that can be believed. */
export function unusedLedger(call: GenAiCall): Ledger {
  const ledger = callLedger(call)
  if (call.resolution.kind !== 'refused') return ledger
  ledger.receipt = `{"dialect":"${call.dialect}","reason":${JSON.stringify(call.resolution.reason)}}`
  return ledger
}

/** The ledger of a call that bills `usage`: all of what it reports, or what its descendants left of that. */
export function usageLedger(call: GenAiCall, usage: Usage, startTimeUnixNano: bigint, prices: Prices): Ledger {
  const { resolution } = call
  if (resolution.kind !== 'known' && resolution.kind !== 'ambiguous') return unusedLedger(call)
  const ledger = callLedger(call)
  const head = `{"dialect":"${call.dialect}","rule":"${resolution.rule}"`
  const explained = !sameUsage(usage, resolution.usage)
  if (explained && isNothing(usage)) {
    countTokens(ledger, usage)
    ledger.costStatus = 'rollup'
    ledger.receipt = `${head},"reason":"reported by the spans below"}`
    return ledger
  }
  countTokens(ledger, usage)
  let other = usage
  if (resolution.kind === 'ambiguous') {
    other = explained ? unexplained(resolution.other, lessUsage(resolution.usage, usage)) : resolution.other
    forgetDifferences(ledger, other)
  }
  const plan = findPlan(call, startTimeUnixNano, prices)
  if (typeof plan === 'string') return unpriced(ledger, head, plan, call)
  if (plan.unpriced !== '') return unpriced(ledger, head, plan.unpriced, call)
  ledger.priceVersion = plan.version
  const bills = billsOf(call, usage, resolution.usage, plan)
  if (resolution.kind === 'ambiguous') bills.push(...billsOf(call, other, resolution.other, plan))
  return priceBetween(ledger, head, plan, bills, call)
}

/**
 * What `billed` may cost. A call's prices follow from all the input that it reported; what an agent's calls left
 * unexplained may be of short ones or of a long one.
 */
function billsOf({ composite }: GenAiCall, billed: Usage, reported: Usage, plan: PricePlan): Bill[] {
  const tier = tierOf(composite ? billed : reported, plan)
  const one = bill(billed, plan, tier)
  const shortest = plan.tiers[0]!
  return composite && tier !== shortest ? [bill(billed, plan, shortest), one] : [one]
}

/** Prices as they are for one tenant. */
export interface Prices {
  readonly catalogue: Catalogue
  readonly project: string
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

function findPlan(call: GenAiCall, startTimeUnixNano: bigint, { catalogue, project }: Prices): PricePlan | string {
  const { provider, responseModel, requestModel, serviceTier } = call
  const model = responseModel || requestModel
  const quote = catalogue.find({ provider, model, asked: requestModel || model, serviceTier, project })
  return typeof quote === 'string' ? quote : quote.at(startTimeUnixNano)
}

/** Whether a call costs what it would for a project without prices of its own. */
export function hasListedPrice(call: GenAiCall, startTimeUnixNano: bigint, { catalogue, project }: Prices): boolean {
  const plan = findPlan(call, startTimeUnixNano, { catalogue, project })
  return plan === findPlan(call, startTimeUnixNano, { catalogue, project: NOBODY })
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

const TOKEN_COLUMNS = [
  'inputTokens',
  'outputTokens',
  'totalTokens',
  'cacheReadTokens',
  'cacheWriteTokens',
  'reasoningTokens',
] as const

/** Leaves of the counts those that another reading has too; nobody knows what there is none of. */
function forgetDifferences(ledger: Writable<Ledger>, other: Usage): void {
  const read = { ...ledger }
  countTokens(read, other)
  for (const column of TOKEN_COLUMNS) if (read[column] !== ledger[column] || read[column] === 0) ledger[column] = null
}

function unpriced(ledger: Writable<Ledger>, head: string, reason: string, { serviceTier }: GenAiCall): Ledger {
  const tier = namedTier(serviceTier)
  ledger.costStatus = 'unpriced'
  ledger.priceVersion = ''
  ledger.receipt = `${head}${tier && `,"serviceTier":${JSON.stringify(tier)}`},"reason":${JSON.stringify(reason)}}`
  return ledger
}

function priceOne(ledger: Writable<Ledger>, head: string, plan: PricePlan, one: Bill, call: GenAiCall): Ledger {
  if ('unpriced' in one) return unpriced(ledger, head, one.unpriced, call)
  ledger.costPicoUsd = one.total
  ledger.costStatus = plan.free ? 'free' : 'priced'
  ledger.receipt = `${head},${one.tier.receiptHead}${one.lines}],"total":"${one.total}"}`
  return ledger
}

/** The cost is that of one of the bills; where they agree it is known after all. */
function priceBetween(
  ledger: Writable<Ledger>,
  head: string,
  plan: PricePlan,
  bills: readonly Bill[],
  call: GenAiCall,
): Ledger {
  if (bills.length === 1) return priceOne(ledger, head, plan, bills[0]!, call)
  const unknown = bills.find((one) => 'unpriced' in one)
  if (unknown !== undefined) return priceOne(ledger, head, plan, unknown, call)
  const known = bills.filter((one) => 'total' in one)
  const lower = known.reduce((least, one) => (one.total < least.total ? one : least))
  const upper = known.reduce((most, one) => (one.total > most.total ? one : most))
  if (lower === upper) return priceOne(ledger, head, plan, lower, call)
  ledger.costStatus = 'ambiguous'
  ledger.costLowerPicoUsd = lower.total
  ledger.costUpperPicoUsd = upper.total
  const more = `"upper":{"lines":[${upper.lines}],"total":"${upper.total}"}`
  ledger.receipt = `${head},${plan.tiers[0]!.receiptHead}${lower.lines}],"total":"${lower.total}",${more}}`
  return ledger
}
