import fc from 'fast-check'
import { expect, test } from 'vitest'
import { pythonLiteral } from './python-literal.ts'

test('a dictionary of Python is the same in JSON', () => {
  const said = "{'a': None, 'b': [True, False, 1.5], 'c': {'d': 'text'}}"
  expect(JSON.parse(String(pythonLiteral(said)))).toStrictEqual({ a: null, b: [true, false, 1.5], c: { d: 'text' } })
})

test('each quote and each word by itself is replaced, whatever is around it', () => {
  const piece = fc.constantFrom(
    "'",
    '"',
    'None',
    'True',
    'False',
    'N',
    'one',
    '_',
    '5',
    ' ',
    ':',
    'é',
    '日',
    '\ud800',
    '\0',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
      const text = `{'${pieces.join('')}`
      const words = text.replace(/\b(?:None|True|False)\b/g, (word) => (word === 'None' ? 'null' : word.toLowerCase()))
      expect(pythonLiteral(text)).toBe(words.replaceAll("'", '"'))
    }),
    { numRuns: 1000 },
  )
})

test('what is no dictionary of Python, or too long, stays as it is', () => {
  for (const said of ['', '{"a":1}', "['a']", `{'${'a'.repeat(65536)}'}`, 5, null])
    expect(pythonLiteral(said)).toBe(said)
})
