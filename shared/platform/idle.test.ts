import { expect, test } from 'vitest'
import type { Subscription } from '../bus/bus.ts'
import type { Backlog } from '../bus/sqlite/backlog.ts'
import { createIdleCheck } from './idle.ts'

const none: Backlog = { inFlight: 0n, messages: 0, dead: {} }
const isIdle = (hop: Subscription, backlog: Partial<Backlog>) =>
  createIdleCheck({ backlog: (_, name) => (name === hop ? { ...none, ...backlog } : none) })('p')

test.each([
  ['nothing waits', 'price', {}, true],
  ['a message waits for its price', 'price', { messages: 1, inFlight: 1n }, false],
  ['a correction of prices, which holds no spans, waits', 'warehouse', { messages: 1 }, false],
  ['a message waits for the budgets', 'budget', { messages: 1, inFlight: 1n }, false],
  ['a message is dead to the warehouse', 'warehouse', { dead: { odd: 1n } }, false],
  ['a message is dead to the budgets, which are debited without it', 'budget', { dead: { odd: 1n } }, true],
  ['a message waits for the lake', 'lake', { messages: 1, inFlight: 1n }, true],
] as const)('%s', async (_, hop, backlog, expected) => {
  expect(await isIdle(hop, backlog)).toBe(expected)
})
