import { expect, test } from 'vitest'
import { buildSpan } from '../../test/support/span.ts'
import type { AttributeValue } from '../spans/attributes.ts'
import { readConversation } from './conversation.ts'
import { CALL, type EventSketch, OPENAI_CALL, read, structured, text } from './test-conversation.ts'

const json = JSON.stringify
const chat = { 'gen_ai.operation.name': 'chat' }

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
  const event: EventSketch = ['gen_ai.client.inference.operation.details', details]
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
