import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fromJson, toJson } from './json.ts'

test('whatever is kept comes back as it was, also what looks like the mark of a whole number', () => {
  const name = fc.oneof(fc.string(), fc.constantFrom('$int', '$$int', '$$$int', 'int'))
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { depthSize: 'small' },
      fc.string(),
      fc.integer(),
      fc.bigInt(),
      fc.constant(null),
      tie('list'),
      tie('object'),
    ),
    list: fc.array(tie('any'), { maxLength: 3 }),
    object: fc.dictionary(
      name.filter((key) => key !== '__proto__'),
      tie('any'),
      { maxKeys: 3, noNullPrototype: true },
    ),
  })).any
  fc.assert(
    fc.property(value, (own) => {
      expect(fromJson(toJson(own))).toStrictEqual(own)
    }),
  )
})

test('what was kept before names were told from the mark is read', () => {
  const text = '{"limit":{"$int":"5"},"selector":{"attributes":{"$int":["x"]}}}'
  expect(fromJson(text)).toEqual({ limit: 5n, selector: { attributes: { $int: ['x'] } } })
})
