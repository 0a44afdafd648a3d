import { expect, test } from 'vitest'
import { retrying } from './retry.ts'

const transient = (error: unknown) => error === 'transient'

function failing(errors: readonly string[]) {
  let calls = 0
  const operation = async () => {
    const error = errors[calls++]
    if (error !== undefined) throw error
    return calls
  }
  return { operation, calls: () => calls }
}

test('repeats what is transient until it succeeds', async () => {
  const { operation } = failing(['transient', 'transient'])
  expect(await retrying(operation, transient, { delayMs: 0 })).toBe(3)
})

test('gives up after the given tries with the last error', async () => {
  const { operation, calls } = failing(Array.from({ length: 20 }, () => 'transient'))
  await expect(retrying(operation, transient, { delayMs: 0, attempts: 4 })).rejects.toBe('transient')
  expect(calls()).toBe(4)
})

test('does not repeat what is not transient', async () => {
  const { operation, calls } = failing(['transient', 'fatal', 'transient'])
  await expect(retrying(operation, transient, { delayMs: 0 })).rejects.toBe('fatal')
  expect(calls()).toBe(2)
})

test('begins no try once the time for all of them is over', async () => {
  const { operation, calls } = failing(Array.from({ length: 20 }, () => 'transient'))
  const slow = async () => {
    await new Promise((resolve) => setTimeout(resolve, 10))
    return operation()
  }
  await expect(retrying(slow, transient, { delayMs: 0, attempts: 20, totalMs: 5 })).rejects.toBe('transient')
  expect(calls()).toBe(1)
})
