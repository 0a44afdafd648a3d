import type { Inclusion } from './dialect.ts'

/** Providers whose own input counts include cached tokens. */
const INCLUSIVE_PROVIDERS: ReadonlySet<string> = new Set([
  'openai',
  'azure.ai.openai',
  'azure.ai.inference',
  'gcp.gemini',
  'gcp.vertex_ai',
  'gcp.gen_ai',
  'groq',
  'deepseek',
  'x_ai',
  'mistral_ai',
  'openrouter',
  'moonshot_ai',
  'fireworks_ai',
  'together_ai',
])

/**
 * How an emitter counts that passes on what providers say, and may or may not add up what Anthropic and Bedrock leave
 * out: there is no telling for those two, nor for providers that nobody knows.
 */
export function copiedInclusion(provider: string): Inclusion {
  return INCLUSIVE_PROVIDERS.has(provider) ? 'inclusive' : 'unknown'
}

/** Whether the provider's own output count leaves reasoning out, and only its total includes it. */
export function reasonsBeside(provider: string): boolean {
  return REASONING_BESIDE_OUTPUT.has(provider)
}

const REASONING_BESIDE_OUTPUT: ReadonlySet<string> = new Set([
  'gcp.gemini',
  'gcp.vertex_ai',
  'gcp.gen_ai',
  'gcp.vertex.agent',
  'x_ai',
])
