import { compareVersions, type Dialect } from '../dialect.ts'
import { copiedInclusion } from '../inclusion.ts'

/** The last release of the Bedrock package that was seen to leave cached tokens out (openllmetry#4449). */
const BEDROCK_EXCLUSIVE_UNTIL = '0.62.3'

/**
 * Traceloop's OpenLLMetry. Its packages disagree: Python's Anthropic adds cached tokens to the input, as LangChain does;
 * Bedrock's and the JavaScript one for Anthropic copy the provider's count, which leaves them out.
 */
export const openllmetry: Dialect = {
  name: 'openllmetry',
  scopes: [
    '@traceloop/*',
    'opentelemetry.instrumentation.anthropic',
    'opentelemetry.instrumentation.bedrock',
    'opentelemetry.instrumentation.openai',
    'opentelemetry.instrumentation.openai.v0',
    'opentelemetry.instrumentation.openai.v1',
    'opentelemetry.instrumentation.cohere',
    'opentelemetry.instrumentation.groq',
    'opentelemetry.instrumentation.mistralai',
    'opentelemetry.instrumentation.ollama',
    'opentelemetry.instrumentation.together',
    'opentelemetry.instrumentation.langchain',
    'opentelemetry.instrumentation.llamaindex',
    'opentelemetry.instrumentation.crewai',
    'opentelemetry.instrumentation.openai_agents',
    'opentelemetry.instrumentation.google_generativeai',
    'opentelemetry.instrumentation.vertexai',
    'traceloop.*',
  ],
  markers: ['traceloop.span.kind', 'traceloop.entity.name', 'traceloop.workflow.name', 'llm.request.type'],
  keys: {
    total: ['llm.usage.total_tokens'],
    operation: ['llm.request.type'],
    kind: ['traceloop.span.kind'],
    toolName: ['traceloop.entity.name'],
    user: ['traceloop.association.properties.user_id', 'traceloop.association.properties.userId'],
    session: [
      'traceloop.association.properties.session_id',
      'traceloop.association.properties.sessionId',
      'traceloop.association.properties.thread_id',
    ],
  },
  cache: (_reading, { scope }, provider) => {
    if (scope.name === 'opentelemetry.instrumentation.anthropic') return 'inclusive'
    if (scope.name === 'opentelemetry.instrumentation.langchain') return 'inclusive'
    if (scope.name === '@traceloop/instrumentation-anthropic') return 'exclusive'
    if (scope.name === 'opentelemetry.instrumentation.bedrock')
      return compareVersions(scope.version, BEDROCK_EXCLUSIVE_UNTIL) <= 0 ? 'exclusive' : 'unknown'
    return copiedInclusion(provider)
  },
  conversation: {
    ids: [
      'traceloop.association.properties.conversation_id',
      'traceloop.association.properties.conversationId',
      'traceloop.association.properties.thread_id',
    ],
    finishReasons: ['llm.response.finish_reason', 'llm.response.stop_reason'],
    tool: { arguments: ['traceloop.entity.input'], result: ['traceloop.entity.output'] },
  },
}
