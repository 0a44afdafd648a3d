import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Subscription } from '../bus/bus.ts'
import { createLocalConservation } from './conservation.ts'

const count = fc.bigInt({ min: 0n, max: 1000n })
const state = fc.record({
  stored: count,
  duplicates: count,
  quarantined: count,
  expired: count,
  waiting: count,
  upstream: count,
  dead: count,
})

/** A queue and one sink in a given state, of which `lost` spans were accepted and are nowhere. */
function report(
  at: {
    stored: bigint
    duplicates: bigint
    quarantined: bigint
    expired: bigint
    waiting: bigint
    upstream: bigint
    dead: bigint
  },
  lost: bigint,
) {
  const { waiting, upstream, dead, ...counts } = at
  const accepted = Object.values(at).reduce((sum, spans) => sum + spans, lost)
  const backlog = (_: string, subscription: Subscription) =>
    subscription === 'price'
      ? { inFlight: upstream, messages: 0, dead: {} }
      : { inFlight: waiting, messages: 0, dead: dead > 0n ? { 'too large': dead } : {} }
  return createLocalConservation({
    admin: { intake: () => ({ accepted, rejected: {} }), backlog, settled: () => 0n },
    subscriptions: ['price', 'lake'],
    sinks: { lake: async () => counts },
  })('p')
}

test('law: the books balance when every accepted span is somewhere, whatever became of it', async () => {
  await fc.assert(
    fc.asyncProperty(state, async (at) => {
      const { balanced, sinks } = await report(at, 0n)
      expect(balanced).toBe(true)
      expect(sinks.lake?.inFlight).toBe(at.waiting + at.upstream)
    }),
  )
})

test('law: the books do not balance when a span is lost', async () => {
  await fc.assert(
    fc.asyncProperty(state, fc.bigInt({ min: 1n, max: 9n }), async (at, lost) => {
      expect((await report(at, lost)).balanced).toBe(false)
    }),
  )
})

test('a message that price could not take is dead to every sink, with the reason', async () => {
  const conservation = createLocalConservation({
    admin: {
      intake: () => ({ accepted: 2n, rejected: {} }),
      backlog: (_, hop) => ({ inFlight: 0n, messages: 0, dead: hop === 'price' ? { odd: 2n } : {} }),
      settled: () => 0n,
    },
    subscriptions: ['price', 'lake', 'forward'],
    sinks: {},
  })
  const { sinks, balanced } = await conservation('p')
  expect([sinks.lake?.dead, sinks.forward?.dead]).toEqual([{ 'price: odd': 2n }, { 'price: odd': 2n }])
  expect(balanced).toBe(true)
})
