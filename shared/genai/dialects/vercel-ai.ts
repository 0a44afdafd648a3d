import type { AttributeValue } from '../../spans/attributes.ts'
import { sumCounts } from '../count.ts'
import type { Dialect } from '../dialect.ts'
import { FIELD, fill, type Reading, text } from '../fields.ts'
import { completeFromGoogleUsage, GOOGLE_USAGE } from '../google-usage.ts'
import { memberReader } from '../member-reader.ts'
import { OBJECT, VALUE } from '../member-shape.ts'
import { attributeAsJson, parseJson } from '../messages/json.ts'
import { readMessage } from '../messages/message.ts'
import { completeFromRawUsage, completeFromResponse, RAW_USAGE, RESPONSE } from '../raw-usage.ts'

/** The SDK's operations by `ai.operationId`; those that call a model once end in `.do…`, their parents sum them up. */
const OPERATIONS: ReadonlyMap<string, string> = new Map([
  ['ai.generateText', 'invoke_agent'],
  ['ai.streamText', 'invoke_agent'],
  ['ai.generateObject', 'invoke_agent'],
  ['ai.streamObject', 'invoke_agent'],
  ['ai.embed', 'invoke_agent'],
  ['ai.embedMany', 'invoke_agent'],
  ['ai.rerank', 'invoke_agent'],
  ['ai.generateText.doGenerate', 'chat'],
  ['ai.streamText.doStream', 'chat'],
  ['ai.generateObject.doGenerate', 'chat'],
  ['ai.streamObject.doStream', 'chat'],
  ['ai.embed.doEmbed', 'embeddings'],
  ['ai.embedMany.doEmbed', 'embeddings'],
  ['ai.rerank.doRerank', 'rerank'],
  ['ai.toolCall', 'execute_tool'],
])

/**
 * Vercel's AI SDK 4 to 7. From 6 on its providers bring usage into one form first, in which input includes cached tokens
 * (and 6 says how many are not). Before, Anthropic's and Bedrock's did not, and said what was cached in
 * `ai.response.providerMetadata` alone.
 */
export const vercelAi: Dialect = {
  name: 'vercel_ai',
  scopes: ['ai', 'gen_ai', '@ai-sdk/otel'],
  markers: ['ai.operationId', 'ai.model.id'],
  keys: {
    input: ['ai.usage.inputTokens', 'ai.usage.promptTokens', 'ai.usage.tokens'],
    output: ['ai.usage.outputTokens', 'ai.usage.completionTokens'],
    total: ['ai.usage.totalTokens'],
    cacheRead: ['ai.usage.inputTokenDetails.cacheReadTokens', 'ai.usage.cachedInputTokens'],
    cacheWrite: ['ai.usage.inputTokenDetails.cacheWriteTokens'],
    uncachedInput: ['ai.usage.inputTokenDetails.noCacheTokens'],
    reasoning: ['ai.usage.outputTokenDetails.reasoningTokens', 'ai.usage.reasoningTokens'],
    kind: ['ai.operationId'],
    provider: ['ai.model.provider'],
    requestModel: ['ai.model.id'],
    responseModel: ['ai.response.model'],
    responseId: ['ai.response.id'],
    toolName: ['ai.toolCall.name'],
    agentName: ['ai.telemetry.functionId'],
    user: ['ai.telemetry.metadata.userId', 'ai.telemetry.metadata.user_id'],
    session: [
      'ai.telemetry.metadata.sessionId',
      'ai.telemetry.metadata.session_id',
      'ai.telemetry.metadata.threadId',
      'ai.telemetry.metadata.thread_id',
    ],
    metadataJson: ['ai.response.providerMetadata'],
  },
  cache: (reading, _span, provider) =>
    reading[FIELD.kind] === undefined || (provider !== 'anthropic' && provider !== 'aws.bedrock')
      ? 'inclusive'
      : 'exclusive',
  complete: (reading) => {
    const operation = OPERATIONS.get(text(reading, FIELD.kind))
    if (operation !== undefined) reading[FIELD.operation] = operation
    if (reading[FIELD.metadataJson] !== undefined) completeFromProvider(reading)
    // A parent repeats what its last step said of the cost.
    if (operation === 'invoke_agent') reading[FIELD.reportedCost] = undefined
  },
  conversation: {
    ids: [
      'ai.telemetry.metadata.conversationId',
      'ai.telemetry.metadata.conversation_id',
      'ai.telemetry.metadata.chatId',
      'ai.telemetry.metadata.threadId',
      'ai.telemetry.metadata.thread_id',
    ],
    finishReasons: ['ai.response.finishReason', 'ai.finishReason'],
    input: ['ai.prompt.messages', 'ai.prompt'],
    tool: { ids: ['ai.toolCall.id'], arguments: ['ai.toolCall.args'], result: ['ai.toolCall.result'] },
    read: ({ attributes }) => {
      const said = (name: string) => attributes.get(`ai.response.${name}`) ?? attributes.get(`ai.result.${name}`) ?? ''
      const calls = said('toolCalls')
      const message = {
        reasoning: textOf(said('reasoning')),
        // An object is what the model wrote as text.
        content: textOf(said('text')) || textOf(said('object')),
        tool_calls: (typeof calls === 'string' ? parseJson(calls) : attributeAsJson(calls)) ?? [],
      }
      const answer = readMessage(message, 'assistant')
      return answer === undefined ? {} : { output: [answer] }
    },
  },
}

/** What whoever speaks OpenAI's protocol has under its own name. */
const OWN = {
  cachedPromptTokens: VALUE,
  promptCacheHitTokens: VALUE,
  reasoningTokens: VALUE,
  serviceTier: VALUE,
} as const
const GOOGLE = { ...OWN, usageMetadata: GOOGLE_USAGE } as const
const metadata = memberReader({
  '*': OWN,
  xai: OWN,
  openrouter: { ...OWN, usage: { cost: VALUE } },
  gateway: { ...OWN, cost: VALUE },
  perplexity: { ...OWN, cost: { totalCost: VALUE } },
  google: GOOGLE,
  vertex: GOOGLE,
  bedrock: { ...OWN, ...RESPONSE },
  anthropic: { ...OWN, usage: RAW_USAGE, cacheReadInputTokens: VALUE, cacheCreationInputTokens: VALUE },
})
const { xai, openrouter, gateway, perplexity, google, vertex, bedrock, anthropic } = metadata.at
const bedrockOwn = { ...bedrock, serviceTier: bedrock.serviceTier.self }
/** Brought into one form: nine are read several times slower. */
const OWNS = [metadata.at['*'], xai, openrouter, gateway, perplexity, google, vertex, bedrockOwn, anthropic].map(
  ({ self, cachedPromptTokens, promptCacheHitTokens, reasoningTokens, serviceTier }) => ({
    self,
    cachedPromptTokens,
    promptCacheHitTokens,
    reasoningTokens,
    serviceTier,
  }),
)

/**
 * What only the provider's own metadata says: cached tokens and thoughts up to release 5, lifetimes of cache writes and
 * audio up to 6, service tiers, and what OpenRouter, Perplexity and the gateway charged. Of xAI, up to release 4, thoughts are
 * beside the output.
 */
function completeFromProvider(reading: Reading): void {
  const said = metadata.read(reading[FIELD.metadataJson])
  for (const own of OWNS) {
    if (said[own.self] !== OBJECT) continue
    fill(reading, FIELD.cacheRead, said[own.cachedPromptTokens] ?? said[own.promptCacheHitTokens])
    fill(reading, FIELD.reasoning, said[own.reasoningTokens])
    const tier = said[own.serviceTier]
    if (typeof tier === 'string') fill(reading, FIELD.serviceTier, tier)
  }
  const beside = said[xai.reasoningTokens]
  if (beside !== undefined) reading[FIELD.output] = sumCounts([reading[FIELD.output], beside])
  fill(reading, FIELD.reportedCost, said[openrouter.usage.cost])
  fill(reading, FIELD.reportedCost, decimal(said[gateway.cost]))
  fill(reading, FIELD.reportedCost, said[perplexity.cost.totalCost])
  completeFromGoogleUsage(reading, said, (said[google.self] === OBJECT ? google : vertex).usageMetadata)
  completeFromResponse(reading, said, bedrock)
  completeFromRawUsage(reading, said, anthropic.usage)
  fill(reading, FIELD.cacheRead, said[anthropic.cacheReadInputTokens])
  fill(reading, FIELD.cacheWrite, said[anthropic.cacheCreationInputTokens])
}

/** The gateway has numbers as text. */
function decimal(value: AttributeValue | undefined): AttributeValue | undefined {
  return typeof value === 'string' && value !== '' ? Number(value) : value
}

function textOf(value: AttributeValue): string {
  return typeof value === 'string' ? value : ''
}
