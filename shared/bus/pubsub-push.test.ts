import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ACK, type Delivery, type Outcome, type Subscriber } from './bus.ts'
import type { PubsubBus } from './pubsub-bus.ts'
import { toPubsubMessage } from './pubsub-message.ts'
import { createPushApp } from './pubsub-push.ts'

const attributes = { project: 'p', digest: 'ab'.repeat(32), spans: 1, ingestedAt: '1', traceparent: '' }

function setUp(
  outcome: (delivery: Delivery) => Outcome | Promise<Outcome> = () => ACK,
  { bury = async () => {} } = {},
) {
  const seen: Delivery[] = []
  const batches: number[] = []
  const buried: string[] = []
  const subscriber: Subscriber = {
    async handle(deliveries) {
      seen.push(...deliveries)
      batches.push(deliveries.length)
      return Promise.all(deliveries.map(outcome))
    },
    async close() {},
  }
  const bus: Pick<PubsubBus, 'bury'> = {
    async bury(_, __, reason) {
      await bury()
      buried.push(reason)
    },
  }
  const app = createPushApp({ subscription: 'price', subscriber, bus })
  const post = (
    body: string | Uint8Array<ArrayBuffer>,
    headers: Record<string, string> = { 'content-type': 'application/json' },
  ) => app.request('/', { method: 'POST', body, headers })
  return { app, post, seen, batches, buried }
}

function push(data: Uint8Array | undefined = Buffer.from('spans'), given: Record<string, unknown> = {}) {
  const packed = toPubsubMessage({ data, attributes })
  const message = {
    ...(packed.data.length > 0 && { data: Buffer.from(packed.data).toString('base64') }),
    attributes: packed.attributes,
    messageId: '17',
    publishTime: '2026-11-20T10:00:00Z',
    ...given,
  }
  return { message, subscription: 'projects/p/subscriptions/s', deliveryAttempt: 3 }
}

describe('the ways in which a message comes', () => {
  const event = {
    specversion: '1.0',
    id: '1',
    source: '//pubsub',
    type: 'google.cloud.pubsub.topic.v1.messagePublished',
  }
  const binary = Object.fromEntries(Object.entries(event).map(([name, value]) => [`ce-${name}`, value]))
  test.each([
    ['a push', push(), {}],
    ['a structured CloudEvent', { ...event, data: push() }, { 'content-type': 'application/cloudevents+json' }],
    ['a binary CloudEvent', push(), { ...binary, 'content-type': 'application/json' }],
    ['a push without a content type', push(), { 'content-type': '' }],
  ])('%s', async (_, body, headers) => {
    const { post, seen } = setUp()
    expect((await post(JSON.stringify(body), headers)).status).toBe(204)
    expect(seen).toHaveLength(1)
    expect(seen[0]).toMatchObject({ id: '17', attempt: 3, attributes })
    expect(Buffer.from(seen[0]!.data).toString()).toBe('spans')
  })

  test('a message of attributes only is delivered', async () => {
    const { post, seen } = setUp()
    expect((await post(JSON.stringify(push(new Uint8Array())))).status).toBe(204)
    expect(seen[0]!.data).toHaveLength(0)
  })

  test('a message of 8 MB that does not compress arrives whole', async () => {
    const { post, seen } = setUp()
    const data = new Uint8Array(8 * 1024 * 1024)
    for (let offset = 0; offset < data.length; offset += 65_536)
      crypto.getRandomValues(data.subarray(offset, offset + 65_536))
    expect((await post(JSON.stringify(push(data)))).status).toBe(204)
    expect(Buffer.compare(seen[0]!.data, data)).toBe(0)
  })
})

describe('what is never acknowledged', () => {
  test.each([
    ['no JSON', '{'],
    ['unknown JSON', '{"hello":"world"}'],
    ['a list', '[]'],
    ['null', 'null'],
    ['no message', '{"subscription":"s"}'],
    ['an empty message', '{"message":{}}'],
    ['data that is no base64', JSON.stringify(push(undefined, { data: '#not base64#' }))],
    ['attributes that are no text', JSON.stringify(push(undefined, { attributes: { project: 1 } }))],
    ['bytes that are no UTF-8', new Uint8Array([0x7b, 0xff, 0x7d])],
    ['nothing', ''],
  ])('%s', async (_, body) => {
    const { post, seen } = setUp()
    expect((await post(body)).status).toBe(400)
    expect(seen).toHaveLength(0)
  })

  test('a body beyond what Pub/Sub sends', async () => {
    const { post } = setUp()
    expect((await post(new Uint8Array(17 * 1024 * 1024))).status).toBe(413)
  })

  test('any JSON at all that is no message', async () => {
    const { post } = setUp()
    await fc.assert(
      fc.asyncProperty(fc.json(), async (body) => {
        expect((await post(body)).status).toBe(400)
      }),
    )
  })

  test('another method', async () => {
    const { app } = setUp()
    expect((await app.request('/', { method: 'GET' })).status).toBe(405)
  })
})

describe('what the subscriber says', () => {
  test('retry brings the message back', async () => {
    const { post, buried } = setUp(() => ({ kind: 'retry', reason: 'busy' }))
    expect((await post(JSON.stringify(push()))).status).toBe(503)
    expect(buried).toHaveLength(0)
  })

  test('throwing brings it back', async () => {
    const { post } = setUp(() => Promise.reject(new Error('boom')))
    expect((await post(JSON.stringify(push()))).status).toBe(503)
  })

  test('dead is acknowledged once the dead letter is kept', async () => {
    const { post, buried } = setUp(() => ({ kind: 'dead', reason: 'rotten' }))
    expect((await post(JSON.stringify(push()))).status).toBe(204)
    expect(buried).toStrictEqual(['rotten'])
  })

  test('dead comes back while the dead letter cannot be kept', async () => {
    const { post } = setUp(() => ({ kind: 'dead', reason: 'rotten' }), {
      bury: () => Promise.reject(new Error('down')),
    })
    expect((await post(JSON.stringify(push()))).status).toBe(503)
  })

  test('a message that cannot be read is a dead letter', async () => {
    const { post, buried, seen } = setUp()
    expect((await post(JSON.stringify(push(undefined, { attributes: { project: 'p' } })))).status).toBe(204)
    expect(buried).toStrictEqual(['otlp: a message on the bus cannot be read: it has no digest'])
    expect(seen).toHaveLength(0)
  })
})

test('pushes that come while others are handled are handled together, and each gets its own answer', async () => {
  const open = Promise.withResolvers<void>()
  let refused = 0
  const { post, batches } = setUp(async ({ id }) => {
    await open.promise
    if (Number(id) % 2 === 0) return ACK
    refused++
    return { kind: 'retry', reason: 'odd' }
  })
  const answers = Array.from({ length: 20 }, (_, index) =>
    post(JSON.stringify(push(undefined, { messageId: String(index) }))),
  )
  await new Promise((resolve) => setTimeout(resolve, 20))
  open.resolve()
  const statuses = (await Promise.all(answers)).map(({ status }) => status)
  expect(statuses).toStrictEqual(Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? 204 : 503)))
  expect(refused).toBe(10)
  expect(batches.reduce((sum, size) => sum + size, 0)).toBe(20)
  expect(batches.length).toBeLessThan(20)
})
