import type { Dialect } from '../dialect.ts'

/** Anthropic's own SDKs, which emit OpenTelemetry's attributes themselves and add the lifetimes of cache writes. */
export const anthropicSdk: Dialect = {
  name: 'anthropic_sdk',
  scopes: ['com.anthropic.sdk.*'],
  keys: {
    cacheWrite5m: ['anthropic.usage.cache_creation.ephemeral_5m_input_tokens'],
    cacheWrite1h: ['anthropic.usage.cache_creation.ephemeral_1h_input_tokens'],
    webSearches: ['anthropic.usage.server_tool_use.web_search_requests'],
    serviceTier: ['anthropic.response.service_tier'],
  },
  cache: 'inclusive',
  conversation: { finishReasons: ['anthropic.message.stop_reason'] },
}
