import type { Dialect } from '../dialect.ts'
import { FIELD, fill, type Reading } from '../fields.ts'
import { completeFromGoogleUsage, GOOGLE_USAGE } from '../google-usage.ts'
import { memberReader } from '../member-reader.ts'
import { OBJECT, type Said, VALUE } from '../member-shape.ts'
import { readJsonMessages } from '../messages/message.ts'
import { completeFromRawUsage, RAW_USAGE } from '../raw-usage.ts'

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
    if (operation === 'chat') completeFromAnswer(reading, answer.read(reading[FIELD.usageJson]))
  },
  conversation: {
    tool: { arguments: ['genkit:input'], result: ['genkit:output'] },
    read: ({ attributes }) => ({
      input: readJsonMessages(attributes.get('genkit:input'), 'user'),
      output: readJsonMessages(attributes.get('genkit:output'), 'assistant'),
    }),
  },
}

const RESPONSE = {
  id: VALUE,
  responseId: VALUE,
  model: VALUE,
  modelVersion: VALUE,
  service_tier: VALUE,
  usage: RAW_USAGE,
  usageMetadata: GOOGLE_USAGE,
} as const
const answer = memberReader({
  usage: {
    inputTokens: VALUE,
    outputTokens: VALUE,
    totalTokens: VALUE,
    cachedContentTokens: VALUE,
    thoughtsTokens: VALUE,
    custom: RAW_USAGE,
  },
  custom: RESPONSE,
  raw: RESPONSE,
})
/** What is Anthropic's alone of a usage, with the input beside it. */
const CUSTOM_USAGE = { ...answer.at.usage.custom, input_tokens: answer.at.usage.inputTokens }

function completeFromAnswer(reading: Reading, said: Said): void {
  const { usage, custom, raw } = answer.at
  const response = said[raw.self] === OBJECT ? raw : custom
  fill(reading, FIELD.responseModel, said[response.model] ?? said[response.modelVersion])
  fill(reading, FIELD.responseId, said[response.id] ?? said[response.responseId])
  fill(reading, FIELD.serviceTier, said[response.service_tier])
  completeFromGoogleUsage(reading, said, response.usageMetadata)
  completeFromRawUsage(reading, said, response.usage)
  fill(reading, FIELD.input, said[usage.inputTokens])
  fill(reading, FIELD.output, said[usage.outputTokens])
  fill(reading, FIELD.total, said[usage.totalTokens])
  fill(reading, FIELD.cacheRead, said[usage.cachedContentTokens])
  fill(reading, FIELD.reasoning, said[usage.thoughtsTokens])
  // Without the response, this says what was cached beside the input.
  completeFromRawUsage(reading, said, CUSTOM_USAGE)
}
