import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  attributeFromText,
  attributeKind,
  attributesFromOtlpJson,
  attributesToOtlpJson,
  attributeText,
} from './attribute-text.ts'
import type { AttributeValue } from './attributes.ts'

const leaf = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.boolean(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.double(),
  fc.constant(null),
  fc.uint8Array({ maxLength: 20 }),
)
const { value: anyValue } = fc.letrec<{ value: AttributeValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    leaf as fc.Arbitrary<AttributeValue>,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(fc.string(), tie('value')), { maxLength: 4 }).map((entries) => new Map(entries)),
  ),
}))

test('every AnyValue comes back from its text exactly', () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      expect(attributeFromText(attributeText(value), attributeKind(value))).toStrictEqual(value)
    }),
  )
})

test('every AnyValue comes back from OTLP/JSON exactly', () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      const json = JSON.parse(JSON.stringify(attributesToOtlpJson(new Map([['k', value]]))))
      expect(attributesFromOtlpJson(json).get('k')).toStrictEqual(value)
    }),
  )
})

test('text reads well in SQL', () => {
  expect(attributeText(12n)).toBe('12')
  expect(attributeText(12)).toBe('12')
  expect(attributeText(['a', 1n, 1, true, null])).toBe('["a",1,1.0,true,null]')
  expect(attributeText(new Map<string, AttributeValue>([['a', 9007199254740993n]]))).toBe('{"a":9007199254740993}')
})
