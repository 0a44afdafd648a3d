/** A model that the demo's agents call. */
export interface Model {
  readonly provider: string
  readonly model: string
  /** What the provider says it was: usually dated. */
  readonly answeredBy: string
  readonly serverAddress: string
  /** Time to the first token in milliseconds, and output tokens per second after it. */
  readonly firstTokenMs: number
  readonly tokensPerSecond: number
}

const OPENAI = { provider: 'openai', serverAddress: 'api.openai.com' }
const ANTHROPIC = { provider: 'anthropic', serverAddress: 'api.anthropic.com' }

export const MODELS = {
  gpt5: { ...OPENAI, model: 'gpt-5', answeredBy: 'gpt-5-2025-08-07', firstTokenMs: 900, tokensPerSecond: 70 },
  gpt5Mini: {
    ...OPENAI,
    model: 'gpt-5-mini',
    answeredBy: 'gpt-5-mini-2025-08-07',
    firstTokenMs: 450,
    tokensPerSecond: 120,
  },
  embedding: {
    ...OPENAI,
    model: 'text-embedding-3-small',
    answeredBy: 'text-embedding-3-small',
    firstTokenMs: 90,
    tokensPerSecond: 1,
  },
  sonnet: {
    ...ANTHROPIC,
    model: 'claude-sonnet-4-5',
    answeredBy: 'claude-sonnet-4-5-20250929',
    firstTokenMs: 800,
    tokensPerSecond: 65,
  },
  haiku: {
    ...ANTHROPIC,
    model: 'claude-haiku-4-5',
    answeredBy: 'claude-haiku-4-5-20251001',
    firstTokenMs: 350,
    tokensPerSecond: 140,
  },
  flash: {
    provider: 'gcp.gemini',
    serverAddress: 'generativelanguage.googleapis.com',
    model: 'gemini-2.5-flash',
    answeredBy: 'gemini-2.5-flash',
    firstTokenMs: 300,
    tokensPerSecond: 180,
  },
  local: {
    provider: 'ollama',
    serverAddress: 'localhost',
    model: 'qwen3:8b',
    answeredBy: 'qwen3:8b',
    firstTokenMs: 200,
    tokensPerSecond: 45,
  },
} as const satisfies Record<string, Model>
