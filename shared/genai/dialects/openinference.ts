import type { Dialect } from '../dialect.ts'

/** Arize's OpenInference: prompt counts include cached tokens, also for Anthropic and Bedrock (openinference#1429). */
export const openinference: Dialect = {
  name: 'openinference',
  scopes: ['openinference.*', '@arizeai/openinference*'],
  markers: ['openinference.span.kind'],
  keys: {
    input: ['llm.token_count.prompt'],
    output: ['llm.token_count.completion'],
    total: ['llm.token_count.total'],
    cacheRead: ['llm.token_count.prompt_details.cache_read'],
    cacheWrite: ['llm.token_count.prompt_details.cache_write'],
    inputAudio: ['llm.token_count.prompt_details.audio'],
    reasoning: ['llm.token_count.completion_details.reasoning'],
    outputAudio: ['llm.token_count.completion_details.audio'],
    kind: ['openinference.span.kind'],
    provider: ['llm.provider', 'llm.system'],
    requestModel: ['llm.request.model_name', 'llm.model_name', 'embedding.model_name', 'reranker.model_name'],
    responseModel: ['llm.response.model_name'],
    agentName: ['agent.name'],
    toolName: ['tool.name'],
    reportedCost: ['llm.cost.total'],
    user: ['user.id'],
    session: ['session.id'],
  },
  cache: 'inclusive',
}
