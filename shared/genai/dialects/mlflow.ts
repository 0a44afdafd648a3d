import type { Dialect } from '../dialect.ts'
import { FIELD, fill } from '../fields.ts'
import { copiedInclusion } from '../inclusion.ts'
import { members, unquoted } from '../members.ts'
import { readJsonMessages } from '../messages/message.ts'

/** MLflow Tracing: every attribute is JSON text, and usage one object. Parents may repeat it (mlflow#25007). */
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
  complete: (reading) => {
    for (const field of QUOTED) if (reading[field] !== undefined) reading[field] = unquoted(reading[field])
    const usage = members(reading[FIELD.usageJson])
    fill(reading, FIELD.input, usage?.get('input_tokens'))
    fill(reading, FIELD.output, usage?.get('output_tokens'))
    fill(reading, FIELD.total, usage?.get('total_tokens'))
    fill(reading, FIELD.cacheRead, usage?.get('cache_read_input_tokens'))
    fill(reading, FIELD.cacheWrite, usage?.get('cache_creation_input_tokens'))
    fill(reading, FIELD.reportedCost, members(reading[FIELD.metadataJson])?.get('total_cost'))
  },
  conversation: {
    read: ({ attributes }) => ({
      input: readJsonMessages(attributes.get('mlflow.spanInputs'), 'user'),
      output: readJsonMessages(attributes.get('mlflow.spanOutputs'), 'assistant'),
    }),
  },
}

const QUOTED = [FIELD.kind, FIELD.provider, FIELD.requestModel, FIELD.user, FIELD.session]
