import type { Attributes } from '../../spans/attributes.ts'
import type { Dialect } from '../dialect.ts'
import { FIELD, fill, type Reading, text } from '../fields.ts'
import { copiedInclusion } from '../inclusion.ts'
import { member, members, namedMembers, unquoted } from '../members.ts'
import { readJsonMessages } from '../messages/message.ts'
import { completeFromRawUsage } from '../raw-usage.ts'

/**
 * MLflow Tracing: every attribute is JSON text, and usage one object. Parents may repeat it (mlflow#25007). JavaScript's
 * does not say the model, nor do many of Python's what was cached, but all attach what went in and came out.
 */
export const mlflow: Dialect = {
  name: 'mlflow',
  scopes: ['mlflow*'],
  markers: ['mlflow.spanType', 'mlflow.traceRequestId'],
  keys: {
    kind: ['mlflow.spanType'],
    provider: ['mlflow.llm.provider'],
    requestModel: ['mlflow.llm.model'],
    user: ['mlflow.trace.user'],
    session: ['mlflow.trace.session'],
    usageJson: ['mlflow.chat.tokenUsage'],
    metadataJson: ['mlflow.llm.cost'],
  },
  cache: (_reading, _span, provider) => copiedInclusion(provider),
  complete: (reading, { attributes }) => {
    for (const field of QUOTED) if (reading[field] !== undefined) reading[field] = unquoted(reading[field])
    const usage = members(reading[FIELD.usageJson])
    fill(reading, FIELD.input, usage?.input_tokens)
    fill(reading, FIELD.output, usage?.output_tokens)
    fill(reading, FIELD.total, usage?.total_tokens)
    fill(reading, FIELD.cacheRead, usage?.cache_read_input_tokens)
    fill(reading, FIELD.cacheWrite, usage?.cache_creation_input_tokens)
    fill(reading, FIELD.reportedCost, members(reading[FIELD.metadataJson])?.total_cost)
    if (usage !== undefined) completeFromMessages(reading, attributes)
  },
  conversation: {
    tool: { arguments: ['mlflow.spanInputs'], result: ['mlflow.spanOutputs'] },
    read: ({ attributes }) => ({
      input: readJsonMessages(attributes.get('mlflow.spanInputs'), 'user'),
      output: readJsonMessages(attributes.get('mlflow.spanOutputs'), 'assistant'),
    }),
  },
}

function completeFromMessages(reading: Reading, attributes: Attributes): void {
  const isNamed = text(reading, FIELD.requestModel) !== ''
  // An agent's answer may be that of its last call.
  if (isNamed && !CALLS.has(text(reading, FIELD.kind))) return
  const response = namedMembers(attributes.get('mlflow.spanOutputs'), ['model', 'service_tier', 'usage'])
  fill(reading, FIELD.serviceTier, response?.service_tier)
  completeFromRawUsage(reading, member(response, 'usage'))
  if (isNamed) return
  const format = unquoted(attributes.get('mlflow.message.format'))
  if (FORMATS.has(format)) reading[FIELD.provider] ||= format
  reading[FIELD.requestModel] = namedMembers(attributes.get('mlflow.spanInputs'), ['model'])?.model
  fill(reading, FIELD.responseModel, response?.model)
}

const CALLS: ReadonlySet<string> = new Set(['CHAT_MODEL', 'LLM', 'EMBEDDING'])

/** Message formats that are named after the provider. */
const FORMATS: ReadonlySet<string> = new Set(['openai', 'anthropic', 'gemini', 'bedrock', 'groq', 'mistral'])

const QUOTED = [FIELD.kind, FIELD.provider, FIELD.requestModel, FIELD.user, FIELD.session]
