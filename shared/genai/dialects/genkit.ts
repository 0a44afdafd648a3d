import type { Dialect } from '../dialect.ts'
import { FIELD, fill, type Reading } from '../fields.ts'
import { completeFromGoogleUsage } from '../google-usage.ts'
import { type Members, member, namedMembers } from '../members.ts'
import { readJsonMessages } from '../messages/message.ts'
import { completeFromRawUsage } from '../raw-usage.ts'

/** What its actions are, by subtype; all else contains actions. */
const OPERATIONS: ReadonlyMap<unknown, string> = new Map([
  ['model', 'chat'],
  ['embedder', 'embeddings'],
  ['reranker', 'rerank'],
  ['retriever', 'retrieval'],
  ['evaluator', 'evaluate'],
  ['tool', 'execute_tool'],
  ['flow', 'invoke_workflow'],
])

/**
 * Google's Genkit: all that a model answered is one JSON object, with the provider's own response in it and a usage that
 * leaves out some of what that says. Spans above a model's action repeat the last of their answers, which is not read.
 */
export const genkit: Dialect = {
  name: 'genkit',
  scopes: ['genkit-tracer'],
  markers: ['genkit:type'],
  keys: { session: ['genkit:sessionId'], usageJson: ['genkit:output'] },
  cache: 'inclusive',
  complete: (reading, { attributes }) => {
    const subtype = attributes.get('genkit:metadata:subtype')
    const operation = OPERATIONS.get(subtype) ?? 'invoke_workflow'
    reading[FIELD.operation] ??= operation
    const name = attributes.get('genkit:name')
    if (typeof name !== 'string') return
    if (operation === 'execute_tool') fill(reading, FIELD.toolName, name)
    if (operation !== 'chat' && operation !== 'embeddings') return
    const slash = name.indexOf('/')
    fill(reading, FIELD.requestModel, name.slice(slash + 1))
    if (slash > 0) fill(reading, FIELD.provider, name.slice(0, slash))
    if (operation === 'chat') completeFromAnswer(reading, namedMembers(reading[FIELD.usageJson], ANSWER))
  },
  conversation: {
    tool: { arguments: ['genkit:input'], result: ['genkit:output'] },
    read: ({ attributes }) => ({
      input: readJsonMessages(attributes.get('genkit:input'), 'user'),
      output: readJsonMessages(attributes.get('genkit:output'), 'assistant'),
    }),
  },
}

const ANSWER = ['usage', 'custom', 'raw']

function completeFromAnswer(reading: Reading, answer: Members | undefined): void {
  const response = member(answer, 'raw') ?? member(answer, 'custom')
  fill(reading, FIELD.responseModel, response?.model ?? response?.modelVersion)
  fill(reading, FIELD.responseId, response?.id ?? response?.responseId)
  fill(reading, FIELD.serviceTier, response?.service_tier)
  completeFromGoogleUsage(reading, member(response, 'usageMetadata'))
  completeFromRawUsage(reading, member(response, 'usage'))
  const usage = member(answer, 'usage')
  fill(reading, FIELD.input, usage?.inputTokens)
  fill(reading, FIELD.output, usage?.outputTokens)
  fill(reading, FIELD.total, usage?.totalTokens)
  fill(reading, FIELD.cacheRead, usage?.cachedContentTokens)
  fill(reading, FIELD.reasoning, usage?.thoughtsTokens)
  // Without the response, what is Anthropic's alone says what was cached beside the input.
  const custom = member(usage, 'custom')
  if (custom !== undefined) completeFromRawUsage(reading, { ...custom, input_tokens: usage?.inputTokens ?? null })
}
