import fc from 'fast-check'
import { expect, test } from 'vitest'
import { members } from './members.ts'

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
