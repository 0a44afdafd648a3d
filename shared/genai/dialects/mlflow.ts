import type { Attributes } from '../../spans/attributes.ts'
import type { Dialect } from '../dialect.ts'
import { FIELD, fill, type Reading, text } from '../fields.ts'
import { copiedInclusion } from '../inclusion.ts'
import { memberReader } from '../member-reader.ts'
import { OBJECT, VALUE } from '../member-shape.ts'
import { members, unquoted } from '../members.ts'
import { readJsonMessages } from '../messages/message.ts'
import { completeFromRawUsage, RAW_USAGE } from '../raw-usage.ts'

const usage = memberReader({
  input_tokens: VALUE,
  output_tokens: VALUE,
  total_tokens: VALUE,
  cache_read_input_tokens: VALUE,
  cache_creation_input_tokens: VALUE,
})
const request = memberReader({ model: VALUE })
const response = memberReader({ model: VALUE, service_tier: VALUE, usage: RAW_USAGE })

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
    const said = usage.read(reading[FIELD.usageJson])
    fill(reading, FIELD.input, said[usage.at.input_tokens])
    fill(reading, FIELD.output, said[usage.at.output_tokens])
    fill(reading, FIELD.total, said[usage.at.total_tokens])
    fill(reading, FIELD.cacheRead, said[usage.at.cache_read_input_tokens])
    fill(reading, FIELD.cacheWrite, said[usage.at.cache_creation_input_tokens])
    fill(reading, FIELD.reportedCost, members(reading[FIELD.metadataJson])?.total_cost)
    if (said[usage.at.self] === OBJECT) completeFromMessages(reading, attributes)
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
  const said = response.read(attributes.get('mlflow.spanOutputs'))
  fill(reading, FIELD.serviceTier, said[response.at.service_tier])
  completeFromRawUsage(reading, said, response.at.usage)
  if (isNamed) return
  const format = attributes.get('mlflow.message.format')
  reading[FIELD.provider] ||= FORMATS.get(format) ?? FORMATS.get(unquoted(format))
  reading[FIELD.requestModel] = request.read(attributes.get('mlflow.spanInputs'))[request.at.model]
  fill(reading, FIELD.responseModel, said[response.at.model])
}

const CALLS: ReadonlySet<string> = new Set(['CHAT_MODEL', 'LLM', 'EMBEDDING'])

/** Message formats that are named after the provider. */
const FORMATS: ReadonlyMap<unknown, string> = new Map(
  ['openai', 'anthropic', 'gemini', 'bedrock', 'groq', 'mistral'].flatMap((name) => [
    [name, name],
    [`"${name}"`, name],
  ]),
)

const QUOTED = [FIELD.kind, FIELD.provider, FIELD.requestModel, FIELD.user, FIELD.session]
