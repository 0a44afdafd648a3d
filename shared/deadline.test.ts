import { expect, test } from 'vitest'
import { within } from './deadline.ts'

test('work that ends in time gives what it gives', async () => {
  expect(await within(10_000, async () => 7)).toBe(7)
  await expect(within(10_000, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
})

test('work that does not is waited for no longer', async () => {
  await expect(within(5, () => new Promise(() => {}))).rejects.toThrow('no answer within 5 ms')
})
