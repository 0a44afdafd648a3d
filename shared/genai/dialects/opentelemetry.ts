import type { Dialect } from '../dialect.ts'

/**
 * OpenTelemetry's GenAI conventions in all their generations, those in a repository of their own included. Since 1.37 they
 * say that the input count SHOULD include cached tokens; before 1.40 they had no cache counts, so there is no older rule.
 */
export const opentelemetry: Dialect = {
  name: 'opentelemetry',
  // What is written by hand often says no more than the model.
  markers: [
    'gen_ai.operation.name',
    'gen_ai.provider.name',
    'gen_ai.system',
    'gen_ai.request.model',
    'gen_ai.response.model',
    // Of Dify, and whoever follows Alibaba's extension.
    'gen_ai.span.kind',
  ],
  keys: {
    // The last are of Semantic Kernel's first releases.
    input: ['gen_ai.usage.input_tokens', 'gen_ai.usage.prompt_tokens', 'gen_ai.response.prompt_tokens'],
    output: ['gen_ai.usage.output_tokens', 'gen_ai.usage.completion_tokens', 'gen_ai.response.completion_tokens'],
    total: ['gen_ai.usage.total_tokens'],
    cacheRead: [
      'gen_ai.usage.cache_read.input_tokens',
      'gen_ai.usage.cache_read_input_tokens',
      'gen_ai.usage.input_cached_tokens',
      'gen_ai.usage.cached_input_tokens',
      'gen_ai.usage.cached_tokens',
    ],
    cacheWrite: [
      'gen_ai.usage.cache_creation.input_tokens',
      'gen_ai.usage.cache_write.input_tokens',
      'gen_ai.usage.cache_creation_input_tokens',
    ],
    reasoning: ['gen_ai.usage.reasoning.output_tokens', 'gen_ai.usage.reasoning_tokens'],
    inputAudio: ['gen_ai.usage.audio.input_tokens', 'gen_ai.usage.input_audio_tokens'],
    inputImage: ['gen_ai.usage.image.input_tokens'],
    outputAudio: ['gen_ai.usage.audio.output_tokens', 'gen_ai.usage.output_audio_tokens'],
    outputImage: ['gen_ai.usage.image.output_tokens'],
    cacheReadAudio: ['gen_ai.usage.audio.cache_read.input_tokens'],
    cacheReadImage: ['gen_ai.usage.image.cache_read.input_tokens'],
    operation: ['gen_ai.operation.name'],
    kind: ['gen_ai.span.kind'],
    provider: ['gen_ai.provider.name', 'gen_ai.system'],
    requestModel: ['gen_ai.request.model'],
    responseModel: ['gen_ai.response.model'],
    responseId: ['gen_ai.response.id'],
    serviceTier: [
      'openai.response.service_tier',
      'gen_ai.openai.response.service_tier',
      'gen_ai.response.service_tier',
    ],
    requestedTier: ['openai.request.service_tier', 'gen_ai.openai.request.service_tier', 'gen_ai.request.service_tier'],
    agentName: ['gen_ai.agent.name'],
    toolName: ['gen_ai.tool.name'],
    reportedCost: ['gen_ai.usage.cost', 'gen_ai.usage.cost_usd'],
    user: ['user.id', 'enduser.id', 'gen_ai.user.id', 'langfuse.user.id'],
    session: ['session.id', 'langfuse.session.id', 'microsoft.session.id'],
    conversation: ['gen_ai.conversation.id'],
    environment: ['deployment.environment.name', 'deployment.environment', 'langfuse.environment'],
  },
  cache: 'inclusive',
  conversation: {
    ids: ['gen_ai.conversation.id', 'gen_ai.thread.id'],
    finishReasons: ['gen_ai.response.finish_reasons', 'gen_ai.response.finish_reason'],
    system: ['gen_ai.system_instructions'],
    input: ['gen_ai.input.messages', 'gen_ai.prompt', 'gen_ai.prompt.'],
    output: ['gen_ai.output.messages', 'gen_ai.completion', 'gen_ai.completion.'],
    tool: {
      ids: ['gen_ai.tool.call.id'],
      arguments: ['gen_ai.tool.call.arguments', 'gen_ai.tool.arguments'],
      result: ['gen_ai.tool.call.result', 'gen_ai.tool.message'],
    },
  },
}
