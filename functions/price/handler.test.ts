import { expect, test } from 'vitest'
import type { Bus, Delivery, Message } from '../../shared/bus/bus.ts'
import { MAX_MESSAGE_BYTES } from '../../shared/bus/bus.ts'
import { decodeBatch } from '../../shared/otlp/batch.ts'
import { encodeTraces } from '../../shared/otlp/encode.ts'
import { loadCatalogue } from '../../shared/pricing/catalogue.ts'
import { createPricer } from '../../shared/pricing/pricer.ts'
import type { Span } from '../../shared/spans/span.ts'
import { buildChat, buildSpan } from '../../test/support/span.ts'
import { createPriceSubscriber } from './handler.ts'

const pricer = createPricer({ catalogue: await loadCatalogue() })

function recordingBus(): Bus & { readonly published: Message[][] } {
  const published: Message[][] = []
  return {
    published,
    publish: async (_topic, messages) => {
      published.push([...messages])
    },
    close: async () => {},
  }
}

function deliver(data: Uint8Array, spans: number, digest = 'd1'): Delivery {
  const attributes = { project: 'p', digest, spans, ingestedAt: '5', traceparent: '', rejected: { too_deep: 1 } }
  return { id: digest, attempt: 1, data, attributes }
}

const deliverSpans = (spans: readonly Span[], digest?: string) => deliver(encodeTraces(spans), spans.length, digest)
const asDelivery = (message: Message): Delivery => ({ ...message, id: '1', attempt: 1 })

test('every delivery of a pull is priced and published at once, under its own digest', async () => {
  const bus = recordingBus()
  const subscriber = createPriceSubscriber({ bus, pricer })
  const chat = buildChat(
    'gpt-4o',
    { input_tokens: 1000, output_tokens: 10 },
    { attributes: { 'gen_ai.system': 'openai' } },
  )
  const plain = buildSpan({ spanId: '2', attributes: { 'http.route': '/' } })
  const outcomes = await subscriber.handle([deliverSpans([chat, plain]), deliverSpans([plain], 'd2')])
  expect(outcomes).toStrictEqual([{ kind: 'ack' }, { kind: 'ack' }])
  expect(bus.published).toHaveLength(1)
  const [first, second] = bus.published[0]!
  expect(first!.attributes).toStrictEqual(deliverSpans([chat, plain]).attributes)
  expect(second!.attributes.digest).toBe('d2')
  const { spans } = decodeBatch(asDelivery(first!))
  expect(spans.map(({ span }) => span.attributes)).toStrictEqual([chat.attributes, plain.attributes])
  expect(spans.map(({ ledger }) => ledger.costStatus)).toStrictEqual(['priced', 'no_usage'])
  expect(spans[0]!.ledger.costPicoUsd).toBe(1000n * 2_500_000n + 10n * 10_000_000n)
})

test('a delivery that comes again gives the same bytes', async () => {
  const bus = recordingBus()
  const subscriber = createPriceSubscriber({ bus, pricer })
  const delivery = deliverSpans([
    buildChat('gpt-4o', { input_tokens: 7 }, { attributes: { 'gen_ai.system': 'openai' } }),
  ])
  await subscriber.handle([delivery])
  await subscriber.handle([delivery])
  expect(bus.published[0]).toStrictEqual(bus.published[1])
})

test('a message that cannot be decoded is dead, the others of the pull go on', async () => {
  const bus = recordingBus()
  const subscriber = createPriceSubscriber({ bus, pricer })
  const outcomes = await subscriber.handle([deliver(new Uint8Array([0xff, 0xff]), 1), deliverSpans([buildSpan({})])])
  expect(outcomes.map(({ kind }) => kind)).toStrictEqual(['dead', 'ack'])
  expect(bus.published[0]).toHaveLength(1)
})

test('a message of rejections alone is passed on', async () => {
  const bus = recordingBus()
  const delivery = deliver(new Uint8Array(), 0)
  await createPriceSubscriber({ bus, pricer }).handle([delivery])
  expect(bus.published).toStrictEqual([[{ data: delivery.data, attributes: delivery.attributes }]])
})

test('when the bus refuses, the deliveries come again', async () => {
  const bus: Bus = { publish: () => Promise.reject(new Error('full')), close: async () => {} }
  await expect(createPriceSubscriber({ bus, pricer }).handle([deliverSpans([buildSpan({})])])).rejects.toThrow('full')
})

test('what our attributes make too large goes out in parts, each with a digest of its own', async () => {
  const bus = recordingBus()
  const text = 'x'.repeat(MAX_MESSAGE_BYTES / 2 - 500)
  const spans = ['1', '2'].map((spanId) =>
    buildChat('gpt-4o', { input_tokens: 5 }, { spanId, attributes: { 'gen_ai.system': 'openai', text } }),
  )
  const delivery = deliverSpans(spans)
  expect(delivery.data.length).toBeLessThanOrEqual(MAX_MESSAGE_BYTES)
  await createPriceSubscriber({ bus, pricer }).handle([delivery])
  const parts = bus.published[0]!
  expect(parts.map(({ attributes }) => [attributes.digest, attributes.spans, attributes.rejected])).toStrictEqual([
    ['d1', 1, { too_deep: 1 }],
    ['d1.1', 1, undefined],
  ])
  const priced = parts.flatMap((part) => decodeBatch(asDelivery(part)).spans)
  expect(priced.map(({ span }) => span)).toStrictEqual(spans)
  expect(priced.map(({ ledger }) => ledger.costPicoUsd)).toStrictEqual([12_500_000n, 12_500_000n])
})
