import { expect, test } from 'vitest'
import { createSeenKeys } from './seen-keys.ts'
import { keyFromInt64, keyToInt64, spanKey } from './span-key.ts'

const keys = Array.from({ length: 20_000 }, (_, index) =>
  spanKey('p', (index >> 3).toString(16).padStart(32, '0'), index.toString(16).padStart(16, '0')),
)

test('no key that was added is ever taken for new, and few new ones for seen', () => {
  const seen = createSeenKeys(64 * 1024)
  const wrong = keys.filter((key) => seen.add(key)).length
  expect(keys.every((key) => seen.add(key))).toBe(true)
  // 26 bits a key.
  expect(wrong).toBeLessThan(40)
})

test('ids that differ in one digit have different keys, and keys survive the database', () => {
  expect(new Set(keys.map(keyToInt64)).size).toBe(keys.length)
  expect(keys.map((key) => keyFromInt64(keyToInt64(key)))).toStrictEqual(keys)
})
