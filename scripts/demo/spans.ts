import { type Attributes, SpanKind } from '@opentelemetry/api'
import type { Model } from './models.ts'
import type { Random } from './random.ts'

/** A span that the demo will send. Times are milliseconds since 1970. */
export interface PlannedSpan {
  readonly name: string
  readonly kind: SpanKind
  readonly start: number
  readonly end: number
  readonly attributes: Attributes
  /** Its message, where the operation failed. */
  readonly error?: string
  readonly children: readonly PlannedSpan[]
}

/** Who acts in a trace, and the clock that its spans move on. */
export interface Scene {
  readonly random: Random
  readonly user: string
  readonly session: string
  now: number
}

export interface Chat {
  readonly model: Model
  readonly system: string
  readonly prompt: string
  readonly answer: string
  /** Tokens; cache reads and writes are parts of `input`, reasoning is a part of `output`. */
  readonly input: number
  readonly output: number
  readonly cacheRead?: number
  readonly cacheWrite?: number
  readonly reasoning?: number
  /** The tool that the model asks for instead of answering. */
  readonly calls?: string
}

/** One call of a chat model, with its messages and usage. */
export function chat(scene: Scene, call: Chat): PlannedSpan {
  const { random } = scene
  const { model } = call
  const firstToken = model.firstTokenMs * (0.7 + random.next())
  const writing = (call.output / model.tokensPerSecond) * 1_000 * (0.8 + 0.4 * random.next())
  return leaf(scene, `chat ${model.model}`, SpanKind.CLIENT, firstToken + writing, {
    ...request(scene, 'chat', model),
    'gen_ai.response.model': model.answeredBy,
    'gen_ai.response.id': `resp_${Math.floor(random.next() * 2 ** 32).toString(16)}`,
    'gen_ai.response.finish_reasons': [call.calls === undefined ? 'stop' : 'tool_calls'],
    'gen_ai.usage.input_tokens': call.input,
    'gen_ai.usage.output_tokens': call.output,
    ...(call.cacheRead && { 'gen_ai.usage.cache_read.input_tokens': call.cacheRead }),
    ...(call.cacheWrite && { 'gen_ai.usage.cache_creation.input_tokens': call.cacheWrite }),
    ...(call.reasoning && { 'gen_ai.usage.reasoning.output_tokens': call.reasoning }),
    'gen_ai.system_instructions': JSON.stringify([{ type: 'text', content: call.system }]),
    'gen_ai.input.messages': messages('user', { type: 'text', content: call.prompt }),
    'gen_ai.output.messages': messages(
      'assistant',
      call.calls === undefined
        ? { type: 'text', content: call.answer }
        : { type: 'tool_call', id: 'call_1', name: call.calls, arguments: { query: call.prompt } },
    ),
  })
}

/** A call that the provider refused: no usage, no cost. */
export function failedChat(scene: Scene, model: Model, error: string, type: string): PlannedSpan {
  const span = leaf(scene, `chat ${model.model}`, SpanKind.CLIENT, model.firstTokenMs, {
    ...request(scene, 'chat', model),
    'error.type': type,
  })
  return { ...span, error }
}

export function embeddings(scene: Scene, model: Model, input: number): PlannedSpan {
  return leaf(scene, `embeddings ${model.model}`, SpanKind.CLIENT, model.firstTokenMs * (0.7 + scene.random.next()), {
    ...request(scene, 'embeddings', model),
    'gen_ai.response.model': model.answeredBy,
    'gen_ai.usage.input_tokens': input,
    'gen_ai.embeddings.dimension.count': 1536,
  })
}

/** A tool run for `ms` milliseconds, after what it calls itself. */
export function tool(
  scene: Scene,
  name: string,
  ms: number,
  result: string,
  inner: readonly PlannedSpan[] = [],
): PlannedSpan {
  const own = leaf(scene, `execute_tool ${name}`, SpanKind.INTERNAL, ms * (0.6 + 0.8 * scene.random.next()), {
    ...who(scene),
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': name,
    'gen_ai.tool.type': 'function',
    'gen_ai.tool.call.id': 'call_1',
    'gen_ai.tool.call.result': JSON.stringify({ result }),
  })
  return { ...own, start: inner[0]?.start ?? own.start, children: inner }
}

/** One turn of an agent. */
export function step(number: number, children: readonly PlannedSpan[]): PlannedSpan {
  return around(`step ${number}`, children, { 'gen_ai.operation.name': 'agent_step' })
}

/**
 * The agent itself, which fails when its last call does. Like most frameworks it repeats the sum of what its calls used: no more
 * was consumed.
 */
export function agent(scene: Scene, name: string, model: Model, children: readonly PlannedSpan[]): PlannedSpan {
  const error = children.at(-1)?.error
  return {
    ...around(`invoke_agent ${name}`, children, {
      ...who(scene),
      'gen_ai.operation.name': 'invoke_agent',
      'gen_ai.provider.name': model.provider,
      'gen_ai.request.model': model.model,
      'gen_ai.agent.name': name,
      ...(error === undefined && {
        'gen_ai.usage.input_tokens': sum(children, 'gen_ai.usage.input_tokens'),
        'gen_ai.usage.output_tokens': sum(children, 'gen_ai.usage.output_tokens'),
      }),
    }),
    ...(error !== undefined && { error }),
  }
}

/** A server span around a whole request. */
export function httpRequest(route: string, child: PlannedSpan): PlannedSpan {
  return {
    ...around(`POST ${route}`, [child], {
      'http.request.method': 'POST',
      'http.route': route,
      'http.response.status_code': child.error === undefined ? 200 : 500,
    }),
    kind: SpanKind.SERVER,
    ...(child.error !== undefined && { error: child.error }),
  }
}

/** `span` and all below it. */
export function countSpans(span: PlannedSpan): number {
  return span.children.reduce((count, child) => count + countSpans(child), 1)
}

function around(name: string, children: readonly PlannedSpan[], attributes: Attributes): PlannedSpan {
  const start = Math.min(...children.map((child) => child.start)) - 2
  const end = Math.max(...children.map((child) => child.end)) + 1
  return { name, kind: SpanKind.INTERNAL, start, end, attributes, children }
}

function leaf(scene: Scene, name: string, kind: SpanKind, ms: number, attributes: Attributes): PlannedSpan {
  const start = scene.now
  const end = start + Math.max(1, Math.round(ms))
  scene.now = end + scene.random.between(1, 20)
  return { name, kind, start, end, attributes, children: [] }
}

function request(scene: Scene, operation: string, model: Model): Attributes {
  return {
    ...who(scene),
    'gen_ai.operation.name': operation,
    'gen_ai.provider.name': model.provider,
    'gen_ai.request.model': model.model,
    'server.address': model.serverAddress,
  }
}

function who(scene: Scene): Attributes {
  return { 'user.id': scene.user, 'session.id': scene.session, 'gen_ai.conversation.id': scene.session }
}

function messages(role: string, part: object): string {
  return JSON.stringify([{ role, parts: [part] }])
}

function sum(spans: readonly PlannedSpan[], key: string): number {
  return spans.reduce((total, span) => total + Number(span.attributes[key] ?? sum(span.children, key)), 0)
}
