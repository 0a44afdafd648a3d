import { expect, test } from 'vitest'
import type { Log } from '../log.ts'
import { ACK, type Delivery, type MessageSource, type Outcome } from './bus.ts'
import { consume } from './consume.ts'

const log: Log = { debug() {}, info() {}, warn() {}, error() {} }
const bounds = { maxMessages: 10, maxBytes: 1e6, lingerMs: 0, log, stopping: new AbortController().signal }

function delivery(id: string): Delivery {
  const attributes = { project: 'p', digest: id, spans: 1, ingestedAt: '1', traceparent: '' }
  return { id, attempt: 1, data: new Uint8Array(0), attributes }
}

/** A source that delivers each batch once, then drains; it records how they were settled. */
function scripted(batches: string[][]) {
  const draining = new AbortController()
  const settled: [string, Outcome][] = []
  const source: MessageSource = {
    async pull() {
      if (batches.length === 1) draining.abort()
      return (batches.shift() ?? []).map(delivery)
    },
    async settle(outcomes) {
      settled.push(...outcomes)
    },
    async close() {},
  }
  return { source, settled, draining: draining.signal }
}

test('each delivery is settled as its subscriber says', async () => {
  const { source, settled, draining } = scripted([['a', 'b'], ['c']])
  const dead: Outcome = { kind: 'dead', reason: 'odd' }
  await consume(
    source,
    { handle: async (deliveries) => deliveries.map(({ id }) => (id === 'b' ? dead : ACK)), async close() {} },
    { ...bounds, draining },
  )
  expect(settled).toEqual([
    ['a', ACK],
    ['b', dead],
    ['c', ACK],
  ])
})

test('a subscriber that throws has its messages retried with the reason, and goes on', async () => {
  const { source, settled, draining } = scripted([['a'], ['b']])
  let calls = 0
  const handle = async (): Promise<Outcome[]> => {
    if (calls++ === 0) throw new Error('no room')
    return [ACK]
  }
  await consume(source, { handle, async close() {} }, { ...bounds, draining })
  expect(settled).toEqual([
    ['a', { kind: 'retry', reason: 'no room' }],
    ['b', ACK],
  ])
})

test('a backlog that cannot be handled in time is left to the next start, all but what is at hand', async () => {
  const { source, settled } = scripted([['a'], ['b'], ['c']])
  const stopping = new AbortController()
  const handle = async (): Promise<Outcome[]> => {
    if (settled.length === 1) stopping.abort()
    return [ACK]
  }
  const draining = AbortSignal.abort()
  await consume(source, { handle, async close() {} }, { ...bounds, draining, stopping: stopping.signal })
  expect(settled.map(([id]) => id)).toEqual(['a', 'b'])
})

test('a subscriber that forgets a delivery has none acknowledged', async () => {
  const { source, settled, draining } = scripted([['a', 'b']])
  await consume(source, { handle: async () => [ACK], async close() {} }, { ...bounds, draining })
  expect(settled.map(([, outcome]) => outcome.kind)).toEqual(['retry', 'retry'])
})

test('draining gives up on a sink that is down instead of asking it for ever', async () => {
  const { source, draining } = scripted([['a']])
  source.pull = async () => [delivery('a')]
  const abort = AbortSignal.abort()
  const down: Outcome = { kind: 'retry', reason: 'down', blameless: true }
  await consume(source, { handle: async () => [down], async close() {} }, { ...bounds, draining: abort })
  expect(draining.aborted).toBe(false)
})
