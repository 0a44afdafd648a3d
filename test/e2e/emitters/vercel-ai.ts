// The Vercel AI SDK with its OpenTelemetry integration, as its documentation sets it up; only the models are mocks.
import { OpenTelemetry } from '@ai-sdk/otel'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import { embed, generateText, isStepCount, jsonSchema, registerTelemetry, streamText, tool } from 'ai'
import { MockEmbeddingModelV4, MockLanguageModelV4, simulateReadableStream } from 'ai/test'
import { createRecorder, report } from './recording.ts'

const url = process.argv[2]
const recorder = createRecorder()
const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ 'service.name': 'vercel-ai' }),
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url: `${url}/v1/traces` })), recorder],
})
provider.register()
registerTelemetry(new OpenTelemetry())

const stop = { unified: 'stop', raw: 'stop' } as const
const usage = (input: number, cacheRead: number, output: number, reasoning: number) => ({
  inputTokens: { total: input, noCache: input - cacheRead, cacheRead, cacheWrite: undefined },
  outputTokens: { total: output, text: output - reasoning, reasoning },
})

await generateText({
  model: new MockLanguageModelV4({
    provider: 'openai.chat',
    modelId: 'gpt-4o',
    doGenerate: [
      {
        content: [{ type: 'tool-call', toolCallId: 'call_1', toolName: 'weather', input: '{"city":"Zürich"}' }],
        finishReason: { unified: 'tool-calls', raw: 'tool_calls' },
        usage: usage(1_000, 600, 50, 0),
        warnings: [],
      },
      {
        content: [{ type: 'text', text: 'It is 21 °C in Zürich.' }],
        finishReason: stop,
        usage: usage(1_100, 0, 40, 10),
        warnings: [],
      },
    ],
  }),
  prompt: 'How warm is it in Zürich?',
  tools: {
    weather: tool({
      description: 'the weather in a city',
      inputSchema: jsonSchema<{ city: string }>({ type: 'object', properties: { city: { type: 'string' } } }),
      execute: async ({ city }) => ({ city, celsius: 21 }),
    }),
  },
  stopWhen: isStepCount(3),
  telemetry: { functionId: 'weather-agent' },
})

const stream = streamText({
  model: new MockLanguageModelV4({
    provider: 'anthropic.messages',
    modelId: 'claude-haiku-4-5',
    doStream: {
      stream: simulateReadableStream({
        chunks: [
          { type: 'stream-start', warnings: [] },
          { type: 'text-start', id: '1' },
          { type: 'text-delta', id: '1', delta: 'Once upon ' },
          { type: 'text-delta', id: '1', delta: 'a time.' },
          { type: 'text-end', id: '1' },
          { type: 'finish', finishReason: stop, usage: usage(300, 0, 700, 0) },
        ],
      }),
    },
  }),
  prompt: 'Tell a story.',
})
for await (const _ of stream.textStream);

await embed({
  model: new MockEmbeddingModelV4({
    provider: 'openai.embedding',
    modelId: 'text-embedding-3-small',
    doEmbed: { embeddings: [[0.1, 0.2]], usage: { tokens: 500 }, warnings: [] },
  }),
  value: 'sunny day at the lake',
})

await provider.forceFlush()
report(recorder.sent())
await provider.shutdown()
