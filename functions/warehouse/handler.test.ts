import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Delivery, Message } from '../../shared/bus/bus.ts'
import { SpanledgerError } from '../../shared/errors.ts'
import { decodeBatch, decodeSpans } from '../../shared/otlp/batch.ts'
import { encodeTraces } from '../../shared/otlp/encode.ts'
import { correctionSpan } from '../../shared/spans/correction.ts'
import type { PricedSpan } from '../../shared/spans/ledger.ts'
import { openSqliteStore } from '../../shared/warehouse/sqlite-store.ts'
import { pricedSpan } from '../../shared/warehouse/trace-store.arbitraries.ts'
import type { SpanWriter } from '../../shared/warehouse/trace-store.ts'
import { createWarehouseSubscriber } from './handler.ts'

const [sample] = fc.sample(pricedSpan, { numRuns: 1, seed: 5 })

function delivery(digest: string, data?: Uint8Array): Delivery {
  const span = { ...(sample as NonNullable<typeof sample>).span, spanId: digest.repeat(16) }
  return {
    id: digest,
    attempt: 1,
    data: data ?? encodeTraces([span]),
    attributes: { project: 'p', digest, spans: 1, ingestedAt: '1', traceparent: '' },
  }
}

/** A writer that refuses writes with any of `bad` digests in them, and counts its calls. */
function pickyWriter(code: 'store/rejected' | 'store/unavailable', bad: readonly string[]) {
  const written: string[][] = []
  const writer: SpanWriter = {
    async write(given) {
      const batches = [...given]
      const digests = batches.map(({ context }) => context.digest)
      if (digests.some((digest) => bad.includes(digest))) throw new SpanledgerError(code, 'it says no')
      written.push(digests)
      return batches.map(({ spans }) => ({ stored: spans.length, duplicates: 0 }))
    },
    close: async () => undefined,
  }
  return { writer, written }
}

test('stores all deliveries in one write', async () => {
  const { writer, written } = pickyWriter('store/rejected', [])
  const outcomes = await createWarehouseSubscriber({ writer }).handle(['1', '2', '3'].map((each) => delivery(each)))
  expect(outcomes.map(({ kind }) => kind)).toStrictEqual(['ack', 'ack', 'ack'])
  expect(written).toStrictEqual([['1', '2', '3']])
})

test('dead-letters what is refused and what cannot be read, alone and with the reason', async () => {
  const { writer, written } = pickyWriter('store/rejected', ['2', '5'])
  const deliveries = ['1', '2', '3', '4', '5', '6'].map((each) =>
    each === '4' ? delivery(each, new Uint8Array([0xff, 0xff])) : delivery(each),
  )
  const outcomes = await createWarehouseSubscriber({ writer }).handle(deliveries)
  expect(outcomes.map(({ kind }) => kind)).toStrictEqual(['ack', 'dead', 'ack', 'dead', 'dead', 'ack'])
  expect(outcomes[1]).toStrictEqual({ kind: 'dead', reason: 'store: it says no' })
  expect(written.flat().sort()).toStrictEqual(['1', '3', '6'])
})

describe('a store that takes spans one by one', () => {
  /** Refuses every span that is called `bad`. */
  const writer: SpanWriter = {
    write: async (batches) =>
      Array.from(batches, ({ spans, corrections = [] }) => {
        const refused = [...spans, ...corrections].flatMap(({ span }, index) =>
          span.name === 'bad' ? [{ index, reason: 'it is bad' }] : [],
        )
        return { stored: spans.length - refused.length, duplicates: 0, ...(refused.length > 0 && { refused }) }
      }),
    close: async () => undefined,
  }
  const { span, ledger } = sample as PricedSpan
  const named = (...names: string[]) =>
    names.map((name, index) => ({ ...span, name, spanId: `${index + 1}`.padStart(16, '0') }))
  const message = (...names: string[]) => {
    const given = delivery('d', encodeTraces(named(...names)))
    return { ...given, attributes: { ...given.attributes, spans: names.length, rejected: { x: 1 } } }
  }
  const keep = () => {
    const buried: { message: Message; reason: string }[] = []
    return { buried, bury: async (message: Message, reason: string) => void buried.push({ message, reason }) }
  }

  test('has only the bad ones dead-lettered, as a message of their own', async () => {
    const { buried, bury } = keep()
    const subscriber = createWarehouseSubscriber({ writer, bury })
    const given = message('good', 'bad', 'good', 'bad')
    expect(await subscriber.handle([message('good'), given])).toStrictEqual([{ kind: 'ack' }, { kind: 'ack' }])
    const { rejected: _, ...attributes } = given.attributes
    expect(buried).toMatchObject([{ reason: 'store: it is bad' }])
    expect(buried[0]!.message.attributes).toStrictEqual({ ...attributes, digest: 'd.r0', spans: 2 })
    const kept = decodeSpans(buried[0]!.message.data)
    expect(kept.map(({ spanId }) => spanId)).toStrictEqual(['0000000000000002', '0000000000000004'])
  })

  test('has its message again when the bad ones could not be kept', async () => {
    const bury = () => Promise.reject(new SpanledgerError('bus/unavailable', 'down'))
    const outcomes = await createWarehouseSubscriber({ writer, bury }).handle([message('good', 'bad')])
    expect(outcomes).toStrictEqual([{ kind: 'retry', reason: 'bus: down', blameless: true }])
  })

  test('has a message of nothing else dead-lettered as it is', async () => {
    const { buried, bury } = keep()
    const outcomes = await createWarehouseSubscriber({ writer, bury }).handle([message('bad', 'bad')])
    expect(outcomes).toStrictEqual([{ kind: 'dead', reason: 'store: it is bad' }])
    expect(buried).toHaveLength(0)
  })

  test('gets a refused correction back as a correction', async () => {
    const { buried, bury } = keep()
    const corrections = named('good', 'bad').map((each) =>
      correctionSpan({ ...each, service: 's' }, { ...ledger, revision: 3 }),
    )
    const given = delivery('d', encodeTraces(corrections))
    await createWarehouseSubscriber({ writer, bury }).handle([
      { ...given, attributes: { ...given.attributes, spans: 0 } },
    ])
    const [{ message: kept }] = buried as [(typeof buried)[0]]
    expect(kept.attributes.spans).toBe(0)
    const batch = decodeBatch({ ...kept, id: '', attempt: 1 })
    expect(batch).toMatchObject({ spans: [], corrections: [{ span: { name: 'bad' }, ledger: { revision: 3 } }] })
  })
})

test('blames no message while the store is down', async () => {
  const { writer, written } = pickyWriter('store/unavailable', ['2'])
  const outcomes = await createWarehouseSubscriber({ writer }).handle(['1', '2'].map((each) => delivery(each)))
  const retry = { kind: 'retry', reason: 'store: it says no', blameless: true }
  expect(outcomes).toStrictEqual([retry, retry])
  expect(written).toStrictEqual([])
})

test('delivered twice, a message is stored once', async () => {
  const store = await openSqliteStore({ path: ':memory:' })
  const subscriber = createWarehouseSubscriber({ writer: store })
  for (let time = 0; time < 2; time++) {
    expect(await subscriber.handle([delivery('1'), delivery('1')])).toStrictEqual([{ kind: 'ack' }, { kind: 'ack' }])
  }
  expect(await store.counts('p')).toStrictEqual({ stored: 1n, duplicates: 0n })
  await subscriber.close()
})

test('nothing to do is done without a write', async () => {
  const { writer, written } = pickyWriter('store/rejected', [])
  expect(await createWarehouseSubscriber({ writer }).handle([])).toStrictEqual([])
  expect(written).toStrictEqual([])
})
