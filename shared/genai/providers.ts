/** Well-known provider names of the OpenTelemetry conventions (and those in their style), by what emitters call them. */
const ALIASES: Readonly<Record<string, readonly string[]>> = {
  openai: ['open_ai', 'open-ai', 'openai_chat', 'chatopenai', 'azure_openai_chat'],
  'azure.ai.openai': [
    'azure',
    'az.ai.openai',
    'azure_openai',
    'azure-openai',
    'azureopenai',
    'azure.openai',
    'azurechatopenai',
    'microsoft.foundry',
    'az.ai.agents',
    'microsoft.agents',
  ],
  'azure.ai.inference': ['az.ai.inference', 'azure_ai', 'azure-ai', 'azure_ai_inference'],
  anthropic: ['claude', 'chatanthropic'],
  'aws.bedrock': [
    'bedrock',
    'aws_bedrock',
    'amazon_bedrock',
    'amazon-bedrock',
    'amazonbedrock',
    'bedrock-runtime',
    'aws',
    'amazon',
    'bedrock_converse',
    'aws.bedrock_runtime',
  ],
  'gcp.vertex_ai': [
    'vertex_ai',
    'vertexai',
    'vertex',
    'google_vertex',
    'gcp_vertex_ai',
    'google-vertex',
    'google.vertex',
    'googlevertex',
    'vertex_ai_beta',
    'google_vertexai',
    'gcp_vertex_gemini',
    'gcp_vertex_anthropic',
    'vertex_ai_model_garden',
  ],
  'gcp.gemini': [
    'gemini',
    'google',
    'google_genai',
    'google-genai',
    'google_ai',
    'googleai',
    'google_ai_studio',
    'google_ai_studio_gemini',
    'google-gla',
    'google.generative-ai',
    'googlegenerativeai',
    'googlegeminiai',
    'google_generative_ai',
    'generativelanguage',
  ],
  'gcp.gen_ai': ['gcp.genai', 'google.genai'],
  mistral_ai: ['mistral', 'mistralai', 'mistral-ai'],
  cohere: ['cohere_chat', 'cohere-ai'],
  x_ai: ['xai', 'x-ai', 'x.ai', 'grok', 'langgenius/x/x'],
  deepseek: ['deep_seek'],
  groq: ['chatgroq'],
  perplexity: ['perplexity_ai', 'perplexity-ai'],
  'ibm.watsonx.ai': ['watsonx', 'ibm_watsonx', 'ibm'],
  moonshot_ai: ['moonshot', 'moonshotai', 'kimi'],
  openrouter: ['open_router'],
  together_ai: ['together', 'togetherai', 'together-ai'],
  fireworks_ai: ['fireworks', 'fireworksai', 'fireworks-ai'],
  cerebras: ['cerebras_ai'],
  voyage_ai: ['voyage', 'voyageai'],
  cloudflare: ['workers-ai', 'workersai', 'cloudflare_workers_ai'],
  github_copilot: ['github-copilot', 'copilot'],
  zai: ['z.ai', 'z_ai'],
  zhipu_ai: ['zhipu', 'zhipuai'],
  minimax: ['mini_max'],
  ollama: ['ollama_chat'],
  vllm: ['hosted_vllm'],
  lm_studio: ['lmstudio', 'lm-studio'],
  llama_cpp: ['llamacpp', 'llama.cpp', 'llama-cpp'],
}

/** Providers that run on the user's own machines: free unless priced. */
export const SELF_HOSTED: ReadonlySet<string> = new Set([
  'ollama',
  'vllm',
  'lm_studio',
  'llama_cpp',
  'localai',
  'tgi',
  'sglang',
  'llamafile',
])

/**
 * What passes calls on to providers: gateways, whose model names start with the provider that serves them, and frameworks
 * that put their own name in the provider's place. Datadog calls who is at an address that it does not know `unknown`.
 */
export const GATEWAYS: ReadonlySet<string> = new Set([
  'litellm',
  'vercel_ai_gateway',
  'gateway',
  'portkey',
  'helicone',
  'langchain',
  'llamaindex',
  'gcp.vertex.agent',
  'strands-agents',
  'crewai',
  'autogen',
  'semantic_kernel',
  'microsoft.agent_framework',
  'spring_ai',
  'langgraph',
  'agno',
  'haystack',
  'smolagents',
  'dspy',
  'unknown',
])

const CANONICAL: ReadonlyMap<string, string> = new Map(
  Object.entries(ALIASES).flatMap(([name, aliases]) => [name, ...aliases].map((alias) => [alias, name] as const)),
)

/** Past this many names the memo starts anew: provider names come from clients. */
const MEMO_LIMIT = 1024
const MEMO_KEY_LIMIT = 128
const memo = new Map<string, string>()

/**
 * `gen_ai.provider.name` for what an emitter calls the provider: lower-case, aliases resolved, API suffixes such as
 * `openai.chat` dropped, and so is the path of a plugin. A name that nobody knows stays as it is.
 */
export function normaliseProvider(name: string): string {
  if (name === '') return ''
  const known = memo.get(name)
  if (known !== undefined) return known
  const canonical = resolve(name.trim().toLowerCase())
  if (name.length > MEMO_KEY_LIMIT) return canonical
  if (memo.size >= MEMO_LIMIT) memo.clear()
  memo.set(name, canonical)
  return canonical
}

/** Dify names the provider within its plugin, `langgenius/openai/openai`; LiveKit the host, `api.openai.com`, or `AWS Bedrock`. */
function resolve(name: string): string {
  const within = name.lastIndexOf('/') + 1
  const spelt = name
    .slice(within)
    .replace(/^api\./, '')
    .replaceAll(' ', '_')
  return CANONICAL.get(name) ?? resolveApi(spelt) ?? HOSTS.find(([end]) => name.endsWith(end))?.[1] ?? name
}

const HOSTS = [
  ['.openai.azure.com', 'azure.ai.openai'],
  ['.services.ai.azure.com', 'azure.ai.inference'],
  ['aiplatform.googleapis.com', 'gcp.vertex_ai'],
] as const

function resolveApi(name: string): string | undefined {
  for (let end = name.length; end > 0; end = name.lastIndexOf('.', end - 1)) {
    const canonical = CANONICAL.get(name.slice(0, end))
    if (canonical !== undefined) return canonical
  }
  return undefined
}
