import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Message } from './bus.ts'
import { fromPubsubMessage, toDeadLetter, toPubsubMessage } from './pubsub-message.ts'

const DIGEST = 'ab'.repeat(32)
const attributes = { project: 'p', digest: DIGEST, spans: 1, ingestedAt: '1700000000000000000', traceparent: '' }

const messages: fc.Arbitrary<Message> = fc.record({
  data: fc.oneof(
    fc.uint8Array({ maxLength: 3_000 }),
    fc.nat(20_000).map((size) => new Uint8Array(size).fill(7)),
  ),
  attributes: fc.record(
    {
      project: fc.string({ minLength: 1 }),
      digest: fc.constantFrom(DIGEST, `${DIGEST}.12`, `${DIGEST}.12.c0`),
      spans: fc.nat(1_000_000),
      ingestedAt: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }).map(String),
      traceparent: fc.string(),
      keyId: fc.string(),
      rejected: fc.dictionary(fc.string(), fc.nat()),
    },
    { requiredKeys: ['project', 'digest', 'spans', 'ingestedAt', 'traceparent'] },
  ),
})

test('what was sent is what is received', () => {
  fc.assert(
    fc.property(messages, (message) => {
      const received = fromPubsubMessage({ ...toPubsubMessage(message), id: 'i', attempt: 1 })
      expect(Buffer.compare(Buffer.from(received.data), Buffer.from(message.data))).toBe(0)
      expect({ ...received.attributes }).toEqual({ ...message.attributes })
    }),
  )
})

test('payloads are compressed where that saves bytes, and nowhere else', () => {
  const repeated = toPubsubMessage({ data: Buffer.alloc(100_000, 'span'), attributes })
  expect(repeated.data.length).toBeLessThan(1_000)
  expect(repeated.attributes.encoding).toBe('zstd')
  expect(toPubsubMessage({ data: randomBytes(5_000), attributes }).attributes).not.toHaveProperty('encoding')
  expect(toPubsubMessage({ data: Buffer.alloc(900), attributes }).attributes).not.toHaveProperty('encoding')
})

describe('a hostile message', () => {
  const good = toPubsubMessage({ data: Buffer.alloc(2_000), attributes })
  test.each([
    ['no project', { project: '' }],
    ['a digest that is none', { digest: '../x' }],
    ['a count that is none', { spans: '-1' }],
    ['a time that is none', { ingestedAt: '1e9' }],
    ['rejections that are no JSON', { rejected: '{' }],
    ['rejections that are no object', { rejected: 'null' }],
    ['rejections that are no counts', { rejected: '{"a":-1}' }],
    ['an unknown encoding', { encoding: 'br' }],
  ])('with %s is refused', (_, wrong) => {
    const message = { ...good, attributes: { ...good.attributes, ...wrong }, id: 'i', attempt: 1 }
    expect(() => fromPubsubMessage(message)).toThrow('otlp: a message on the bus cannot be read')
  })

  test('is refused when it would decompress to more than any message may hold', () => {
    const bomb = toPubsubMessage({ data: Buffer.alloc(20 * 1024 * 1024), attributes })
    expect(bomb.data.length).toBeLessThan(10_000)
    expect(() => fromPubsubMessage({ ...bomb, id: 'i', attempt: 1 })).toThrow('not zstd, or too large')
  })
})

test('a dead letter carries the message as it was, whose it is and why', () => {
  const message = toPubsubMessage({ data: Buffer.alloc(2_000), attributes })
  const dead = toDeadLetter(message, 'warehouse', 'x'.repeat(5_000))
  expect(dead.data).toBe(message.data)
  expect(dead.attributes).toMatchObject({ ...message.attributes, deadSubscription: 'warehouse' })
  // Pub/Sub refuses attribute values over 1,024 bytes.
  expect(dead.attributes.deadReason).toHaveLength(1_000)
})
