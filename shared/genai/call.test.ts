import fc from 'fast-check'
import { expect, test } from 'vitest'
import { buildChat } from '../../test/support/span.ts'
import { MAX_NAME_LENGTH } from '../spans/name.ts'
import { type GenAiCall, readCall } from './call.ts'
import { name } from './fields.ts'

test('a user id, model or environment of megabytes would stand whole in a column: it is cut', () => {
  const long = 'x'.repeat(2_000_000)
  const attributes = {
    'user.id': long,
    'session.id': long,
    'gen_ai.agent.name': long,
    'gen_ai.provider.name': 'openai',
  }
  const resource = { 'deployment.environment.name': long }
  const call = readCall(buildChat(long, { input_tokens: 1 }, { attributes, resource })) as GenAiCall
  const texts = [call.userId, call.sessionId, call.environment, call.requestModel, call.agentName]
  expect(texts.map(({ length }) => length)).toEqual(texts.map(() => MAX_NAME_LENGTH))
})

test('a cut is a prefix, and no character is cut in two', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1000, maxLength: 1100 }), (text) => {
      const cut = name(text)
      expect(text.startsWith(cut)).toBe(true)
      expect(cut.isWellFormed()).toBe(true)
      expect(cut.length).toBeGreaterThanOrEqual(Math.min(text.length, MAX_NAME_LENGTH - 1))
    }),
  )
})
