import type { Span } from '../spans/span.ts'
import { FIELD, name, text } from './fields.ts'
import { reasonsBeside } from './inclusion.ts'
import { isComposite, normaliseOperation } from './operations.ts'
import { normaliseProvider } from './providers.ts'
import { newReading, readSpan } from './reading.ts'
import { type Resolution, resolveUsage } from './resolve.ts'
import { normaliseServiceTier } from './service-tiers.ts'
import { toolName } from './tools.ts'

/** Who used it: '' where the span does not say. */
export interface Subject {
  readonly userId: string
  readonly sessionId: string
  readonly environment: string
}

/** A span's GenAI side, in one vocabulary for all emitters. Strings are '' where the span does not say. */
export interface GenAiCall extends Subject {
  readonly dialect: string
  /** `gen_ai.operation.name`, normalised. */
  readonly operation: string
  /** No model call itself: its usage is the sum of what it did. */
  readonly composite: boolean
  /** The emitter says that its usage is a sum of what its descendants report: it bills only if none does. */
  readonly summary: boolean
  /** `gen_ai.provider.name`, normalised. */
  readonly provider: string
  readonly requestModel: string
  readonly responseModel: string
  /** The provider's own. */
  readonly responseId: string
  /** That answered, or if nobody says that was asked for; as in requests: `flex`, also for Vertex AI's `ON_DEMAND_FLEX`. */
  readonly serviceTier: string
  readonly agentName: string
  readonly toolName: string
  /** The emitter's own cost in USD; undefined if it gives none or no finite number of at least 0. */
  readonly reportedCostUsd: number | undefined
  readonly resolution: Resolution
}

const NONE: Resolution = { kind: 'none' }
const reading = newReading()

/** Reads what a span says about a model call and its subject. `dialect` is '' and usage none for any other span. */
export function readCall(span: Span): GenAiCall | Subject {
  readSpan(span, reading)
  const { values, dialect } = reading
  const userId = text(values, FIELD.user)
  const sessionId = text(values, FIELD.session) || text(values, FIELD.conversation)
  const environment = text(values, FIELD.environment) || resourceEnvironment(span)
  if (dialect === undefined) return { userId, sessionId, environment }

  const provider = normaliseProvider(text(values, FIELD.provider))
  const requestModel = text(values, FIELD.requestModel)
  const responseModel = text(values, FIELD.responseModel)
  const inclusion = typeof dialect.cache === 'function' ? dialect.cache(values, span, provider) : dialect.cache
  const said = normaliseOperation(text(values, FIELD.operation) || text(values, FIELD.kind))
  const composite = isComposite(said)
  const resolution =
    said === 'count_tokens'
      ? NONE
      : resolveUsage(values, { inclusion, reasonsBeside: reasonsBeside(provider), requests: composite ? 0 : 1 })
  const operation = said === '' && resolution.kind !== 'none' && (requestModel || responseModel) !== '' ? 'chat' : said
  const cost = values[FIELD.reportedCost]
  return {
    dialect: dialect.name,
    operation,
    composite,
    summary: values[FIELD.summary] === true,
    provider,
    requestModel,
    responseModel,
    responseId: responseIdOf(text(values, FIELD.responseId)),
    serviceTier: normaliseServiceTier(text(values, FIELD.serviceTier) || text(values, FIELD.requestedTier)),
    agentName: text(values, FIELD.agentName),
    toolName: operation === 'execute_tool' ? toolName(values, span) : '',
    reportedCostUsd: typeof cost === 'number' || typeof cost === 'bigint' ? Number(cost) : undefined,
    resolution,
    userId,
    sessionId,
    environment,
  }
}

/** Ids that Vercel's AI SDK and LangChain make up where they have none of the provider's: they tell no answers apart. */
const MADE_UP = /^(?:aitxt|aiobj|run|lc_run)-/

function responseIdOf(said: string): string {
  return MADE_UP.test(said) ? '' : said
}

/** Whether a reading is a GenAI span's. */
export function isGenAiCall(call: GenAiCall | Subject): call is GenAiCall {
  return 'dialect' in call
}

const environments = new WeakMap<Span['resource'], string>()

function resourceEnvironment({ resource }: Span): string {
  let environment = environments.get(resource)
  if (environment === undefined) {
    const { attributes } = resource
    const said = attributes.get('deployment.environment.name') ?? attributes.get('deployment.environment')
    environment = name(said)
    environments.set(resource, environment)
  }
  return environment
}
