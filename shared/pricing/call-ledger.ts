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
import type { Catalogue } from './catalogue.ts'
import { picoUsd } from './money.ts'
import type { PricePlan } from './plan.ts'
import { type Bill, bill } from './receipt.ts'

/** The ledger of a span that is no model call. */
export function subjectLedger({ userId, sessionId, environment }: Subject): Ledger {
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

/** The ledger of a call that reports no usage, or none that can be believed. */
export function unusedLedger(call: GenAiCall): Ledger {
  const ledger = callLedger(call)
  if (call.resolution.kind !== 'refused') return ledger
  return { ...ledger, receipt: `{"dialect":"${call.dialect}","reason":${JSON.stringify(call.resolution.reason)}}` }
}

/** The ledger of a call that bills `usage`: all of what it reports, or what its descendants left of that. */
export function usageLedger(call: GenAiCall, usage: Usage, startTimeUnixNano: bigint, prices: Prices): Ledger {
  const { resolution } = call
  if (resolution.kind !== 'known' && resolution.kind !== 'ambiguous') return unusedLedger(call)
  const ledger: Writable<Ledger> = callLedger(call)
  const head = `{"dialect":"${call.dialect}","rule":"${resolution.rule}"`
  const explained = !sameUsage(usage, resolution.usage)
  if (explained && isNothing(usage)) {
    countTokens(ledger, usage)
    ledger.costStatus = 'rollup'
    ledger.receipt = `${head},"reason":"reported by the spans below"}`
    return ledger
  }
  const plan = findPlan(call, startTimeUnixNano, prices)
  if (resolution.kind === 'known') countTokens(ledger, usage)
  if (typeof plan === 'string') return unpriced(ledger, head, plan)
  if (plan.unpriced !== '') return unpriced(ledger, head, plan.unpriced)
  ledger.priceVersion = plan.version
  if (resolution.kind === 'ambiguous') {
    const other = explained ? unexplained(resolution.other, lessUsage(resolution.usage, usage)) : resolution.other
    return priceEither(ledger, head, plan, bill(usage, plan), bill(other, plan))
  }
  if (call.composite && plan.tiers.length > 1)
    return priceEither(ledger, head, plan, bill(usage, plan, plan.tiers[0]), bill(usage, plan))
  return priceOne(ledger, head, plan, bill(usage, plan))
}

/** Prices as they are for one tenant. */
export interface Prices {
  readonly catalogue: Catalogue
  readonly project: string
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** By the model that answered; if that has no price, by the one that was asked for (an alias, a deployment). */
function findPlan(call: GenAiCall, startTimeUnixNano: bigint, { catalogue, project }: Prices): PricePlan | string {
  const { provider, responseModel, requestModel, serviceTier } = call
  const planOf = (model: string) => {
    const quote = catalogue.find({ provider, model, serviceTier, project })
    return typeof quote === 'string' ? quote : quote.at(startTimeUnixNano)
  }
  const answered = planOf(responseModel || requestModel)
  if (typeof answered !== 'string' || responseModel === '' || requestModel === '' || requestModel === responseModel)
    return answered
  const asked = planOf(requestModel)
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
