import { expect, test } from 'vitest'
import { buildSpan, type SpanSketch } from '../../test/support/span.ts'
import type { AttributeValue } from '../spans/attributes.ts'
import { type Conversation, readConversation } from './conversation.ts'
import type { Message } from './messages/message.ts'

/** Emitters that cannot be run here, by their published conventions. */
type Event = readonly [string, Readonly<Record<string, AttributeValue>>]

function read(sketch: SpanSketch, events: readonly Event[] = []): Conversation {
  const conversation = readConversation({
    ...buildSpan(sketch),
    events: events.map(([name, attributes]) => ({
      timeUnixNano: 0n,
      name,
      attributes: new Map(Object.entries(attributes)),
      droppedAttributesCount: 0,
    })),
  })
  if (conversation === undefined) throw new Error('no GenAI span')
  return conversation
}

const text = (role: string, content: string, reason?: string): Message => ({
  role,
  parts: [{ type: 'text', content }],
  ...(reason !== undefined && { finish_reason: reason }),
})
const json = JSON.stringify
const chat = { 'gen_ai.operation.name': 'chat' }
const CALL = { type: 'tool_call', id: 'c1', name: 'weather', arguments: { city: 'Bern' } }
const OPENAI_CALL = { id: 'c1', type: 'function', function: { name: 'weather', arguments: '{"city":"Bern"}' } }

const NOW = {
  system: [{ type: 'text', content: 'Be brief.' }],
  input: [
    { role: 'user', parts: [{ type: 'text', content: 'Weather?' }] },
    { role: 'assistant', parts: [{ type: 'reasoning', content: 'A tool.' }, CALL] },
    { role: 'tool', parts: [{ type: 'tool_call_response', id: 'c1', response: 'rainy' }] },
    {
      role: 'user',
      parts: [
        { type: 'blob', modality: 'image', mime_type: 'image/png', content: 'AAAA' },
        { type: 'uri', modality: 'image', mime_type: 'image/png', uri: 'https://example.com/a.png' },
        { type: 'file', modality: 'audio', mime_type: 'audio/wav', file_id: 'f1' },
        { type: 'custom', content: 'x' },
      ],
    },
  ],
  output: [{ role: 'assistant', parts: [{ type: 'text', content: 'Rain.' }], finish_reason: 'stop' }],
}
const NOW_READ = {
  conversationId: 'conv-1',
  finishReasons: ['stop'],
  inputMessages: [
    text('system', 'Be brief.'),
    NOW.input[0],
    NOW.input[1],
    NOW.input[2],
    {
      role: 'user',
      parts: [
        { type: 'blob', modality: 'image', mime_type: 'image/png' },
        { type: 'uri', modality: 'image', mime_type: 'image/png', uri: 'https://example.com/a.png' },
        { type: 'file', modality: 'audio', mime_type: 'audio/wav', file_id: 'f1' },
        { type: 'custom', content: 'x' },
      ],
    },
  ],
  outputMessages: NOW.output,
}

/** A value as structured attributes have it. */
function structured(value: unknown): AttributeValue {
  if (Array.isArray(value)) return value.map(structured)
  if (typeof value !== 'object' || value === null) return value as AttributeValue
  return new Map(Object.entries(value).map(([key, member]) => [key, structured(member)]))
}

test.each<[string, (value: unknown) => AttributeValue]>([
  ['JSON text', json],
  ['structured values', structured],
])('OpenTelemetry: messages as %s, in attributes or in the event with the details', (_form, encode) => {
  const details = {
    'gen_ai.system_instructions': encode(NOW.system),
    'gen_ai.input.messages': encode(NOW.input),
    'gen_ai.output.messages': encode(NOW.output),
  }
  const own = { ...chat, 'gen_ai.conversation.id': 'conv-1' }
  expect(read({ attributes: { ...own, ...details } })).toStrictEqual(NOW_READ)
  const event: Event = ['gen_ai.client.inference.operation.details', details]
  expect(read({ attributes: own }, [event])).toStrictEqual(NOW_READ)
})

test('OpenTelemetry 1.28 to 1.36: an event for each message', () => {
  const said = read({ attributes: { ...chat, 'gen_ai.response.finish_reasons': ['tool_calls'] } }, [
    ['gen_ai.system.message', { 'gen_ai.system': 'openai', content: 'Be brief.' }],
    ['gen_ai.user.message', { content: 'Weather?' }],
    ['gen_ai.assistant.message', { tool_calls: json([OPENAI_CALL]) }],
    ['gen_ai.tool.message', { id: 'c1', content: 'rainy' }],
    ['exception', { content: 'not a message' }],
    [
      'gen_ai.choice',
      { index: 0n, finish_reason: 'tool_calls', message: json({ role: 'assistant', content: 'Rain.' }) },
    ],
  ])
  expect(said).toStrictEqual({
    conversationId: '',
    finishReasons: ['tool_call'],
    inputMessages: [
      text('system', 'Be brief.'),
      text('user', 'Weather?'),
      { role: 'assistant', parts: [CALL] },
      { role: 'tool', parts: [{ type: 'tool_call_response', id: 'c1', response: 'rainy' }] },
    ],
    outputMessages: [text('assistant', 'Rain.', 'tool_call')],
  })
})

test('Azure: an event has its message as one JSON text; 1.26: events with the prompt and the completion', () => {
  const azure = read({ attributes: { 'gen_ai.system': 'az.ai.inference' } }, [
    ['gen_ai.user.message', { 'gen_ai.event.content': json({ role: 'user', content: 'Hi' }) }],
    ['gen_ai.choice', { 'gen_ai.event.content': json({ finish_reason: 'length', message: { content: 'Ho' } }) }],
  ])
  expect(azure).toMatchObject({ inputMessages: [text('user', 'Hi')], finishReasons: ['length'] })
  expect(azure.outputMessages).toStrictEqual([text('assistant', 'Ho', 'length')])
  const older = read({ attributes: { 'gen_ai.system': 'openai' } }, [
    ['gen_ai.content.prompt', { 'gen_ai.prompt': json([{ role: 'user', content: 'Hi' }]) }],
    ['gen_ai.content.completion', { 'gen_ai.completion': json([{ role: 'assistant', content: 'Ho' }]) }],
  ])
  expect(older.inputMessages).toStrictEqual([text('user', 'Hi')])
  expect(older.outputMessages).toStrictEqual([text('assistant', 'Ho')])
})

test('OpenLLMetry (of LangChain and LlamaIndex too) and LiteLLM: messages spelt out over attributes', () => {
  for (const scope of [
    'opentelemetry.instrumentation.langchain',
    'opentelemetry.instrumentation.llamaindex',
    'litellm',
  ]) {
    const said = read({
      scope,
      attributes: {
        'gen_ai.prompt.1.role': 'assistant',
        'gen_ai.prompt.1.tool_calls.0.id': 'c1',
        'gen_ai.prompt.1.tool_calls.0.name': 'weather',
        'gen_ai.prompt.1.tool_calls.0.arguments': '{"city":"Bern"}',
        'gen_ai.prompt.0.role': 'user',
        'gen_ai.prompt.0.content': json([
          { type: 'text', text: 'Weather?' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
        ]),
        'gen_ai.prompt.10.role': 'user',
        'gen_ai.prompt.10.content': 'And?',
        'gen_ai.prompt.2.role': 'tool',
        'gen_ai.prompt.2.tool_call_id': 'c1',
        'gen_ai.prompt.2.content': 'rainy',
        'gen_ai.completion.0.finish_reason': 'max_tokens',
        'gen_ai.completion.0.role': 'assistant',
        'gen_ai.completion.0.content': 'Ra',
        'traceloop.association.properties.thread_id': 't-1',
      },
    })
    expect(said).toStrictEqual({
      conversationId: scope === 'litellm' ? '' : 't-1',
      finishReasons: ['length'],
      inputMessages: [
        {
          role: 'user',
          parts: [
            { type: 'text', content: 'Weather?' },
            { type: 'blob', modality: 'image', mime_type: 'image/png' },
          ],
        },
        { role: 'assistant', parts: [CALL] },
        { role: 'tool', parts: [{ type: 'tool_call_response', id: 'c1', response: 'rainy' }] },
        text('user', 'And?'),
      ],
      outputMessages: [text('assistant', 'Ra', 'length')],
    })
  }
})

test('LiteLLM: a call of a tool is part of the completion', () => {
  const { outputMessages } = read({
    scope: 'litellm',
    attributes: {
      'gen_ai.completion.0.finish_reason': 'tool_calls',
      'gen_ai.completion.0.role': 'assistant',
      'gen_ai.completion.0.function_call.name': 'weather',
      'gen_ai.completion.0.function_call.arguments': '{"city":"Bern"}',
    },
  })
  const { id: _id, ...call } = CALL
  expect(outputMessages).toStrictEqual([{ role: 'assistant', parts: [call], finish_reason: 'tool_call' }])
})

test('OpenInference: contents, images, tool calls and results', () => {
  const said = read({
    scope: 'openinference.instrumentation.llama_index',
    attributes: {
      'openinference.span.kind': 'LLM',
      'llm.input_messages.0.message.role': 'user',
      'llm.input_messages.0.message.contents.0.message_content.type': 'text',
      'llm.input_messages.0.message.contents.0.message_content.text': 'What is it?',
      'llm.input_messages.0.message.contents.1.message_content.type': 'image',
      'llm.input_messages.0.message.contents.1.message_content.image.image.url': 'https://example.com/a.png',
      'llm.input_messages.1.message.role': 'tool',
      'llm.input_messages.1.message.tool_call_id': 'c0',
      'llm.input_messages.1.message.content': 'a cat',
      'llm.output_messages.0.message.role': 'assistant',
      'llm.output_messages.0.message.tool_calls.0.tool_call.id': 'c1',
      'llm.output_messages.0.message.tool_calls.0.tool_call.function.name': 'weather',
      'llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments': '{"city":"Bern"}',
      metadata: json({ conversation_id: 'conv-1', thread_id: 't-1' }),
    },
  })
  expect(said).toStrictEqual({
    conversationId: 'conv-1',
    finishReasons: [],
    inputMessages: [
      {
        role: 'user',
        parts: [
          { type: 'text', content: 'What is it?' },
          { type: 'uri', modality: 'image', uri: 'https://example.com/a.png' },
        ],
      },
      { role: 'tool', parts: [{ type: 'tool_call_response', id: 'c0', response: 'a cat' }] },
    ],
    outputMessages: [{ role: 'assistant', parts: [CALL] }],
  })
})

test('Pydantic AI: events in an attribute, of a request and of a run; since version 2 messages', () => {
  const system = { 'event.name': 'gen_ai.system.message', role: 'system', content: 'Be brief.' }
  const user = { 'event.name': 'gen_ai.user.message', role: 'user', content: 'Weather?' }
  const assistant = { 'event.name': 'gen_ai.assistant.message', role: 'assistant', content: 'Rain.' }
  const choice = { 'event.name': 'gen_ai.choice', index: 0, message: { role: 'assistant', tool_calls: [OPENAI_CALL] } }
  const request = read({ scope: 'pydantic-ai', attributes: { events: json([system, user, choice]) } })
  expect(request.inputMessages).toStrictEqual([text('system', 'Be brief.'), text('user', 'Weather?')])
  expect(request.outputMessages).toStrictEqual([{ role: 'assistant', parts: [CALL] }])
  const run = read({ scope: 'pydantic-ai', attributes: { all_messages_events: json([system, user, assistant]) } })
  expect(run.inputMessages).toStrictEqual([text('system', 'Be brief.'), text('user', 'Weather?')])
  expect(run.outputMessages).toStrictEqual([text('assistant', 'Rain.')])
  const messages = [NOW.input[0], { ...NOW.input[1], finish_reason: 'tool_call' }, NOW.input[2], ...NOW.output]
  const second = read({ scope: 'pydantic-ai', attributes: { 'pydantic_ai.all_messages': json(messages) } })
  expect(second).toMatchObject({
    inputMessages: messages.slice(0, 3),
    outputMessages: NOW.output,
    finishReasons: ['stop'],
  })
})

test('Logfire: the request and the response as JSON', () => {
  const said = read({
    scope: 'logfire.openai',
    attributes: {
      request_data: json({ model: 'gpt-5-mini', messages: [{ role: 'user', content: 'Hi' }] }),
      response_data: json({ message: { role: 'assistant', content: 'Ho' }, usage: {} }),
    },
  })
  expect(said).toMatchObject({ inputMessages: [text('user', 'Hi')], outputMessages: [text('assistant', 'Ho')] })
})

test('LangSmith: LangChain’s messages, serialised', () => {
  const message = (type: string, kwargs: object) => ({
    lc: 1,
    type: 'constructor',
    id: ['langchain_core', 'messages', type],
    kwargs,
  })
  const said = read({
    scope: 'langsmith',
    attributes: {
      'langsmith.metadata.thread_id': 't-1',
      'gen_ai.prompt': json({
        messages: [
          [message('SystemMessage', { content: 'Be brief.' }), message('HumanMessage', { content: 'Weather?' })],
        ],
      }),
      'gen_ai.completion': json({
        generations: [
          [
            {
              text: '',
              message: message('AIMessage', {
                content: '',
                tool_calls: [{ id: 'c1', name: 'weather', args: { city: 'Bern' }, type: 'tool_call' }],
                response_metadata: { finish_reason: 'tool_calls' },
              }),
            },
          ],
        ],
      }),
    },
  })
  expect(said).toStrictEqual({
    conversationId: 't-1',
    finishReasons: ['tool_call'],
    inputMessages: [text('system', 'Be brief.'), text('user', 'Weather?')],
    outputMessages: [{ role: 'assistant', parts: [CALL], finish_reason: 'tool_call' }],
  })
})

test('MLflow: a provider’s request and response, and nothing of what is neither', () => {
  const mlflow = (inputs: unknown, outputs: unknown) =>
    read({
      scope: 'mlflow',
      attributes: { 'mlflow.spanInputs': json(inputs), 'mlflow.spanOutputs': json(outputs) },
    })
  const anthropic = mlflow(
    {
      model: 'claude',
      system: 'Be brief.',
      messages: [{ role: 'user', content: [{ type: 'text', text: 'Weather?' }] }],
    },
    {
      role: 'assistant',
      content: [
        { type: 'thinking', thinking: 'A tool.', signature: 's' },
        { type: 'tool_use', id: 'c1', name: 'weather', input: { city: 'Bern' } },
      ],
      stop_reason: 'tool_use',
    },
  )
  expect(anthropic).toStrictEqual({
    conversationId: '',
    finishReasons: ['tool_call'],
    inputMessages: [text('system', 'Be brief.'), text('user', 'Weather?')],
    outputMessages: [
      { role: 'assistant', parts: [{ type: 'reasoning', content: 'A tool.' }, CALL], finish_reason: 'tool_call' },
    ],
  })
  const responses = mlflow(
    { model: 'gpt-5', instructions: 'Be brief.', input: 'Weather?' },
    {
      output: [
        { type: 'reasoning', id: 'r1', summary: [{ type: 'summary_text', text: 'A tool.' }] },
        { type: 'function_call', id: 'fc1', call_id: 'c1', name: 'weather', arguments: '{"city":"Bern"}' },
        { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Rain.' }] },
      ],
    },
  )
  expect(responses.inputMessages).toStrictEqual([text('system', 'Be brief.'), text('user', 'Weather?')])
  expect(responses.outputMessages).toStrictEqual([
    { role: 'assistant', parts: [{ type: 'reasoning', content: 'A tool.' }] },
    { role: 'assistant', parts: [CALL] },
    text('assistant', 'Rain.'),
  ])
  const chain = mlflow({ question: 'Where?', content: 'a file' }, 'hello')
  expect(chain).toMatchObject({ inputMessages: [], outputMessages: [] })
})

test('Google ADK: Gemini’s request and response', () => {
  const said = read({
    scope: 'gcp.vertex.agent',
    attributes: {
      'gcp.vertex.agent.session_id': 's-1',
      'gcp.vertex.agent.llm_request': json({
        model: 'gemini-2.5-flash',
        config: { system_instruction: 'Be brief.' },
        contents: [
          {
            role: 'user',
            parts: [{ text: 'Weather?' }, { file_data: { file_uri: 'gs://b/a.png', mime_type: 'image/png' } }],
          },
          { role: 'model', parts: [{ function_call: { id: 'c1', name: 'weather', args: { city: 'Bern' } } }] },
          { role: 'user', parts: [{ function_response: { id: 'c1', name: 'weather', response: { sky: 'rainy' } } }] },
        ],
      }),
      'gcp.vertex.agent.llm_response': json({
        content: { role: 'model', parts: [{ text: 'A tool.', thought: true }, { text: 'Rain.' }] },
        finish_reason: 'MAX_TOKENS',
      }),
    },
  })
  expect(said).toStrictEqual({
    conversationId: 's-1',
    finishReasons: ['length'],
    inputMessages: [
      text('system', 'Be brief.'),
      {
        role: 'user',
        parts: [
          { type: 'text', content: 'Weather?' },
          { type: 'uri', modality: 'image', mime_type: 'image/png', uri: 'gs://b/a.png' },
        ],
      },
      { role: 'assistant', parts: [CALL] },
      { role: 'user', parts: [{ type: 'tool_call_response', id: 'c1', response: { sky: 'rainy' } }] },
    ],
    outputMessages: [
      {
        role: 'assistant',
        parts: [
          { type: 'reasoning', content: 'A tool.' },
          { type: 'text', content: 'Rain.' },
        ],
        finish_reason: 'length',
      },
    ],
  })
})

test('OpenRouter: the request’s messages, and its own form of an answer', () => {
  const said = read({
    scope: 'openrouter',
    attributes: {
      ...chat,
      'gen_ai.response.finish_reason': 'tool_calls',
      'gen_ai.prompt': json({ messages: [{ role: 'user', content: 'Weather?' }] }),
      'gen_ai.completion': json({ completion: 'Let me see.', reasoning: 'A tool.', toolCalls: [OPENAI_CALL] }),
    },
  })
  expect(said).toStrictEqual({
    conversationId: '',
    finishReasons: ['tool_call'],
    inputMessages: [text('user', 'Weather?')],
    outputMessages: [
      {
        role: 'assistant',
        parts: [{ type: 'reasoning', content: 'A tool.' }, { type: 'text', content: 'Let me see.' }, CALL],
      },
    ],
  })
})

test('Vercel AI SDK: reasoning, objects and a system prompt', () => {
  const said = read({
    scope: 'ai',
    attributes: {
      'ai.operationId': 'ai.generateObject',
      'ai.telemetry.metadata.chatId': 'chat-1',
      'ai.prompt': json({ system: 'Be brief.', prompt: 'Weather?' }),
      'ai.response.reasoning': 'A tool.',
      'ai.response.object': '{"sky":"rainy"}',
      'ai.response.finishReason': 'content-filter',
    },
  })
  expect(said).toStrictEqual({
    conversationId: 'chat-1',
    finishReasons: ['content_filter'],
    inputMessages: [text('system', 'Be brief.'), text('user', 'Weather?')],
    outputMessages: [
      {
        role: 'assistant',
        parts: [
          { type: 'reasoning', content: 'A tool.' },
          { type: 'text', content: '{"sky":"rainy"}' },
        ],
      },
    ],
  })
})

test('instructions that are repeated among the messages are said once, others twice', () => {
  const instructed = (instructions: string) =>
    read({
      attributes: {
        ...chat,
        'gen_ai.system_instructions': instructions,
        'gen_ai.input.messages': json([text('system', 'Be brief.'), text('user', 'Hi')]),
      },
    }).inputMessages.map(({ role }) => role)
  expect(instructed('Be brief.')).toStrictEqual(['system', 'user'])
  expect(instructed('Be kind.')).toStrictEqual(['system', 'system', 'user'])
})

test('media: what is a reference stays one, data are left in the attributes', () => {
  const part = (sent: unknown) =>
    read({ attributes: { ...chat, 'gen_ai.prompt': json([{ role: 'user', content: [sent] }]) } }).inputMessages[0]
      ?.parts
  const image = { modality: 'image', mime_type: 'image/png' }
  expect(part({ type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } })).toStrictEqual([
    { type: 'blob', ...image },
  ])
  expect(part({ type: 'image', source: { type: 'url', url: 'https://example.com/a' } })).toStrictEqual([
    { type: 'uri', modality: 'image', uri: 'https://example.com/a' },
  ])
  expect(part({ type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } })).toStrictEqual([
    { type: 'blob', modality: 'audio' },
  ])
  expect(part({ type: 'file', file: { file_id: 'f1' } })).toStrictEqual([{ type: 'file', file_id: 'f1' }])
  expect(part({ type: 'image', image: 'data:image/png;base64,AAAA' })).toStrictEqual([{ type: 'blob', ...image }])
  const note = { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'Note: buy milk' } }
  expect(part(note)).toStrictEqual([{ type: 'blob', mime_type: 'text/plain' }])
  const unknown = { type: 'document', title: 'no source' }
  expect(part(unknown)).toStrictEqual([unknown])
})

test('finish reasons are in OpenTelemetry’s words where it has one', () => {
  const reasons = (said: AttributeValue) =>
    read({ attributes: { ...chat, 'gen_ai.response.finish_reasons': said } }).finishReasons
  expect(reasons(['end_turn', 'MAX_TOKENS', 'SAFETY', 'tool-calls', 'FinishReason.STOP', 'pause_turn'])).toStrictEqual([
    'stop',
    'length',
    'content_filter',
    'tool_call',
    'stop',
    'pause_turn',
  ])
  expect(reasons('["stop", "tool_use"]')).toStrictEqual(['stop', 'tool_call'])
  expect(reasons('stop, length')).toStrictEqual(['stop', 'length'])
  expect(reasons(7n)).toStrictEqual([])
})

test('no GenAI span says nothing, and what cannot be read is left out', () => {
  expect(readConversation(buildSpan({ attributes: { 'http.route': '/' } }))).toBeUndefined()
  for (const broken of [
    '[{"role":"user","parts":[{"ty',
    '{',
    '[1, null, {}]',
    '{"a":[]}',
    json([{ content: 'whose?' }]),
  ]) {
    const said = read({ attributes: { ...chat, 'gen_ai.input.messages': broken } })
    expect(said.inputMessages, broken).toStrictEqual([])
  }
})
