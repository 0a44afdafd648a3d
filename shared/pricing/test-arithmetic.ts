import type { SpanSketch } from '../../test/support/span.ts'

/** A call: its usage in OpenTelemetry's attributes, `with` others beside. */
export interface Case extends SpanSketch {
  readonly usage: Readonly<Record<string, number>>
  readonly with?: Readonly<Record<string, string | number>>
}

/** Usages that many rows share. */
export const PLAIN = { input_tokens: 1000, output_tokens: 100 }
export const CACHED = { input_tokens: 1000, 'cache_read.input_tokens': 400, output_tokens: 100 }
export const REASONED = { input_tokens: 1000, output_tokens: 200, 'reasoning.output_tokens': 150 }
export const EMBEDDED = { input_tokens: 8 }
/** 12 fresh, 1000 read, 200 written. */
export const CACHE_WRITES = {
  input_tokens: 1212,
  'cache_read.input_tokens': 1000,
  'cache_write.input_tokens': 200,
  output_tokens: 40,
}
/** Of the writes. */
export const LIFETIMES = {
  'anthropic.usage.cache_creation.ephemeral_5m_input_tokens': 150,
  'anthropic.usage.cache_creation.ephemeral_1h_input_tokens': 50,
}
/** What is said beside the tokens. */
export const SEARCHES = { 'anthropic.usage.server_tool_use.web_search_requests': 3 }
export const BATCH = { 'openai.response.service_tier': 'batch' }
export const FLEX = { 'openai.response.service_tier': 'flex' }
export const PYDANTIC = { scope: 'pydantic-ai' }
export const LONG = { input_tokens: 272_001, output_tokens: 100 }
/** Of 1000 input tokens 600 are of images, of 400 that were cached 300; of 1300 output tokens 1290. */
export const IMAGES = {
  usage: { input_tokens: 1000, 'cache_read.input_tokens': 400, output_tokens: 1300 },
  with: {
    'gen_ai.usage.image.input_tokens': 600,
    'gen_ai.usage.image.cache_read.input_tokens': 300,
    'gen_ai.usage.image.output_tokens': 1290,
  },
}
/** How many of the tokens are audio. */
export const audio = (input: number, output: number) => ({
  'gen_ai.usage.details.input_audio_tokens': input,
  'gen_ai.usage.details.output_audio_tokens': output,
})

/**
 * Quantity times unit price, in 1e-12 USD: 2.5 USD per million tokens are 2,500,000 units a token, 10 USD per thousand
 * searches are 10,000,000,000 units a search. The prices are the providers' own, as the catalogue lists them.
 */
export type Row = readonly [what: string, model: string, units: bigint, usage: Case]
