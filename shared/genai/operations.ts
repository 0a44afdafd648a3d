/** Values of `gen_ai.operation.name`, and what other conventions call the same thing. */
const OPERATIONS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    chat: [
      'llm',
      'chat_model',
      'chat.completion',
      'chat.completions',
      'chat_completion',
      'completion.chat',
      'message',
      'messages',
      'responses',
      'acompletion',
      'anthropic_messages',
      'aresponses',
      'response',
      'call_llm',
      'llm_call',
      'generation',
      'model_inference',
      'invoke_model',
      'generatetext',
      'streamtext',
      'chat_streaming',
      'interactions',
      'interactions_streaming',
    ],
    text_completion: ['completion', 'completions', 'generate_text', 'text-completion', 'text.completions'],
    generate_content: ['generatecontent'],
    embeddings: ['embedding', 'embed', 'embed_content', 'create_embeddings', 'aembedding'],
    rerank: ['reranker', 'ranker'],
    image_generation: ['generate_image', 'images'],
    speech: ['text_to_speech', 'tts', 'audio_generation'],
    transcription: ['audio_transcription', 'speech_to_text', 'stt'],
    execute_tool: ['tool', 'tool_call', 'mcp_tool_call', 'function'],
    invoke_agent: ['agent', 'agent_run', 'agent_call'],
    agent_step: ['step', 'model_step', 'model_generation', 'execute_node'],
    create_agent: [],
    invoke_workflow: ['workflow', 'workflow_run', 'chain', 'task', 'run_sequence', 'prompt', 'parser'],
    retrieval: ['retriever', 'retrieve', 'vector_search'],
    evaluate: ['evaluator'],
    guardrail: [],
    usage_summary: [],
    count_tokens: ['counttokens', 'token_count', 'count_message_tokens'],
  }).flatMap(([name, aliases]) => [name, ...aliases].map((alias) => [alias, name] as const)),
)

/** `gen_ai.operation.name` for what an emitter calls it; a name that nobody knows stays as it is. */
export function normaliseOperation(name: string): string {
  return OPERATIONS.get(name) ?? OPERATIONS.get(name.toLowerCase()) ?? name
}

/** A span that calls nothing but sums up what its emitter's other spans of the trace consume. */
export const USAGE_SUMMARY = 'usage_summary'

/** The operations that are no call of a model themselves but contain such calls. */
export const COMPOSITE_OPERATIONS: readonly string[] = [
  'execute_tool',
  'invoke_agent',
  'create_agent',
  'invoke_workflow',
  'agent_step',
  'retrieval',
  'evaluate',
  'guardrail',
  USAGE_SUMMARY,
]
const COMPOSITES: ReadonlySet<string> = new Set(COMPOSITE_OPERATIONS)

/** Whether such a span is no call of a model itself: any usage on it is the sum of what it did. */
export function isComposite(operation: string): boolean {
  return COMPOSITES.has(operation)
}
