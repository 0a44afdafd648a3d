import type { Dialect } from '../dialect.ts'
import { FIELD, fill } from '../fields.ts'

/** Whose input it says as output and the other way round. */
const SWAPPED: ReadonlySet<string> = new Set(['anthropic', 'ollama'])
/** Of whose streams it guesses both, and says one as the other. */
const SWAPPED_IN_STREAMS: ReadonlySet<string> = new Set([
  'openai',
  'azure',
  'perplexity',
  'XAI',
  'gemini',
  'mistral',
  'awsbedrock',
])
/** In the provider's place where it watches Vercel's AI SDK. */
const VERCEL = 'ai'

/** Langtrace's SDK for JavaScript: OpenTelemetry's keys, of which it confuses two; the provider under one of its own. */
export const langtrace: Dialect = {
  name: 'langtrace',
  scopes: ['@langtrase/typescript-sdk'],
  mixed: true,
  keys: { user: ['gen_ai.user'] },
  cache: 'inclusive',
  complete: (reading, { attributes, events }) => {
    const service = attributes.get('langtrace.service.name')
    if (typeof service !== 'string') return
    if (service !== VERCEL) fill(reading, FIELD.provider, service === 'awsbedrock' ? 'aws.bedrock' : service)
    const isStream = SWAPPED_IN_STREAMS.has(service) && events.some(({ name }) => name === 'stream.start')
    if (!isStream && !SWAPPED.has(service)) return
    const input = reading[FIELD.input]
    reading[FIELD.input] = reading[FIELD.output]
    reading[FIELD.output] = input
  },
}
