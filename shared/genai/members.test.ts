import fc from 'fast-check'
import { expect, test } from 'vitest'
import { members, namedMembers } from './members.ts'

const NAMES = ['usage', 'model']

test('texts that repeat, or are no JSON, are read as if each were the first', () => {
  const text = fc.oneof(fc.constantFrom('', '{', '{"a":1}', '{"a":2}', '[1]'), fc.json({ maxDepth: 2 }))
  fc.assert(
    fc.property(fc.array(text, { maxLength: 8 }), (texts) => {
      for (const said of texts) expect(members(said)).toStrictEqual(parsed(said))
    }),
  )

  function parsed(said: string): unknown {
    if (!said.startsWith('{') || said === '{') return undefined
    return JSON.parse(said)
  }
})

test('named members are what parsing the whole text would give', () => {
  const key = fc.oneof(fc.constantFrom(...NAMES, 'choices'), fc.string({ maxLength: 4 }))
  const object = fc.dictionary(key, fc.jsonValue({ maxDepth: 3 }), { maxKeys: 5 })
  fc.assert(
    fc.property(object, fc.nat({ max: 3 }), (value, indent) => {
      const expected = Object.fromEntries(Object.entries(value).filter(([name]) => NAMES.includes(name)))
      expect(namedMembers(JSON.stringify(value, null, indent), NAMES)).toStrictEqual(
        JSON.parse(JSON.stringify(expected)),
      )
    }),
    { numRuns: 300 },
  )
})

test('a member of that name is found neither within another nor in what a model wrote', () => {
  const text = JSON.stringify({
    trace: { usage: { units: 1 } },
    output: ['"usage": {"a": 1}', '\\'],
    usage: { tokens: 5 },
  })
  expect(namedMembers(text, NAMES)).toStrictEqual({ usage: { tokens: 5 } })
  expect(namedMembers('{"text":"usage","usage" : 7}', NAMES)).toStrictEqual({ usage: 7 })
})

test('a text that is cut or no JSON gives what can be read of it, and ends', () => {
  for (const text of ['{"usage":{"tokens":5}', '{"usage":', '{"usage', '{"usage":nonsense}', '{]]', '{"a\\'])
    expect(namedMembers(text, NAMES)?.usage, text).toBeUndefined()
  expect(namedMembers('[{"usage":1}]', NAMES)).toBeUndefined()
  expect(namedMembers(`{"model":"${'x'.repeat(2 ** 20)}"}`, NAMES)).toBeUndefined()
})

test('an answer of 200 KB does not hide its usage', () => {
  expect(namedMembers(JSON.stringify({ content: 'y'.repeat(200_000), usage: { tokens: 5 } }), NAMES)).toStrictEqual({
    usage: { tokens: 5 },
  })
})
