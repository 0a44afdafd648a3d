import type { Dialect } from '../dialect.ts'
import { FIELD, text } from '../fields.ts'

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
 * Vercel's AI SDK 4 to 7. Its providers bring usage into one form first, in which input includes cached tokens; up to 6
 * Anthropic's did not (the raw counts are then in `ai.response.providerMetadata`), so there evidence decides.
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
    session: ['ai.telemetry.metadata.sessionId', 'ai.telemetry.metadata.session_id', 'ai.telemetry.metadata.threadId'],
    metadataJson: ['ai.response.providerMetadata'],
  },
  cache: (_reading, { scope }, provider) =>
    scope.name !== 'ai' || (provider !== 'anthropic' && provider !== 'aws.bedrock') ? 'inclusive' : 'unknown',
  complete: (reading) => {
    const operation = OPERATIONS.get(text(reading, 'kind'))
    if (operation !== undefined) reading[FIELD.operation] = operation
  },
}
