import { expect, test } from 'vitest'
import { CALL, OPENAI_CALL, read, text } from './test-conversation.ts'

/** Emitters that cannot be run here, by their published conventions. */
const json = JSON.stringify
const chat = { 'gen_ai.operation.name': 'chat' }
const CONVERSATION = [
  { role: 'user', parts: [{ type: 'text', content: 'Weather?' }] },
  { role: 'assistant', parts: [{ type: 'reasoning', content: 'A tool.' }, CALL], finish_reason: 'tool_call' },
  { role: 'tool', parts: [{ type: 'tool_call_response', id: 'c1', response: 'rainy' }] },
  { role: 'assistant', parts: [{ type: 'text', content: 'Rain.' }], finish_reason: 'stop' },
]

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
  const second = read({ scope: 'pydantic-ai', attributes: { 'pydantic_ai.all_messages': json(CONVERSATION) } })
  expect(second).toStrictEqual({
    conversationId: '',
    finishReasons: ['stop'],
    inputMessages: CONVERSATION.slice(0, 3),
    outputMessages: CONVERSATION.slice(3),
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
