import type { Dialect } from '../dialect.ts'
import { FIELD, fill } from '../fields.ts'
import { members } from '../members.ts'
import { readJsonMessages } from '../messages/message.ts'

/**
 * Braintrust's SDKs that speak OpenTelemetry (Go, Java, Ruby, C#): counts, and model and provider, as one JSON object each.
 * What Anthropic counts as cached they add to the prompt.
 */
export const braintrust: Dialect = {
  name: 'braintrust',
  scopes: ['braintrust*'],
  markers: ['braintrust.span_attributes', 'braintrust.metrics'],
  keys: { usageJson: ['braintrust.metrics'], metadataJson: ['braintrust.metadata'] },
  cache: 'inclusive',
  complete: (reading, { attributes }) => {
    const type = members(attributes.get('braintrust.span_attributes'))?.type
    fill(reading, FIELD.operation, type === 'llm' ? 'chat' : type)
    const metadata = members(reading[FIELD.metadataJson])
    fill(reading, FIELD.provider, metadata?.provider)
    fill(reading, FIELD.requestModel, metadata?.model)
    fill(reading, FIELD.serviceTier, metadata?.service_tier)
    const metrics = members(reading[FIELD.usageJson])
    fill(reading, FIELD.input, metrics?.prompt_tokens)
    fill(reading, FIELD.output, metrics?.completion_tokens)
    fill(reading, FIELD.total, metrics?.tokens)
    fill(reading, FIELD.cacheRead, metrics?.prompt_cached_tokens)
    fill(reading, FIELD.cacheWrite, metrics?.prompt_cache_creation_tokens)
    fill(reading, FIELD.inputAudio, metrics?.prompt_audio_tokens)
    fill(reading, FIELD.reasoning, metrics?.completion_reasoning_tokens)
    fill(reading, FIELD.outputAudio, metrics?.completion_audio_tokens)
  },
  conversation: {
    tool: { arguments: ['braintrust.input_json'], result: ['braintrust.output_json'] },
    read: ({ attributes }) => ({
      input: readJsonMessages(attributes.get('braintrust.input_json'), 'user'),
      output: readJsonMessages(attributes.get('braintrust.output_json'), 'assistant'),
    }),
  },
}
