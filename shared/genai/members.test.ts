import fc from 'fast-check'
import { expect, test } from 'vitest'
import { lastMember, members } from './members.ts'

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

test('of a text the last member of a name is found, whatever is quoted in it, unless it is far from the end', () => {
  const tier = lastMember('service_tier')
  expect(
    tier('{"service_tier":"auto","usage":{"service_tier" : "flex"},"content":"\\"service_tier\\":\\"no\\""}'),
  ).toBe('flex')
  expect(tier('{"service_tier":null,"other_tier":"flex","content":"a service_tier"}')).toBeUndefined()
  expect(tier(`{"service_tier":"flex","content":"${'x'.repeat(5000)}"}`)).toBeUndefined()
  expect(tier(`{"content":"${'x'.repeat(5000)}","service_tier":"flex"}`)).toBe('flex')
  expect(tier(undefined)).toBeUndefined()
})
