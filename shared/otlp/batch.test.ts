import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Delivery } from '../bus/bus.ts'
import type { AttributeValue } from '../spans/attributes.ts'
import { EMPTY_LEDGER, LEDGER_ATTRIBUTES, type Ledger, ledgerAttributes, splitLedger } from '../spans/ledger.ts'
import { addSpanAttributes } from './add-attributes.ts'
import { decodeBatch, decodeSpans } from './batch.ts'
import { encodeTraces } from './encode.ts'
import { arbitrarySpans } from './span.arbitrary.ts'

const KINDS: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  string: fc.string(),
  count: fc.maxSafeNat(),
  money: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
}
const fields = LEDGER_ATTRIBUTES.map(({ field, kind }) => {
  const value = KINDS[kind]!
  return [field, EMPTY_LEDGER[field] === null ? fc.option(value) : value] as const
})
/** Ledgers as first priced: every field that there is, of its kind. */
const ledger = fc
  .record(Object.fromEntries(fields), { noNullPrototype: true })
  .map((values) => ({ ...values, revision: 0 }) as unknown as Ledger)

function delivery(data: Uint8Array): Delivery {
  const attributes = {
    project: 'p',
    digest: 'd',
    spans: 1,
    ingestedAt: '12345678901234567890',
    traceparent: '',
    keyId: 'k1',
  }
  return { id: '1', attempt: 1, data, attributes }
}

test('what price adds on the wire comes back as ledgers, and the spans as they were', () => {
  const inputs = arbitrarySpans.chain((spans) =>
    fc.tuple(
      fc.constant(spans),
      fc.array(fc.option(ledger, { nil: undefined }), { minLength: spans.length, maxLength: spans.length }),
    ),
  )
  fc.assert(
    fc.property(inputs, ([spans, ledgers]) => {
      const additions = ledgers.map((item) => item && ledgerAttributes(item))
      const data = addSpanAttributes(encodeTraces(spans), additions)
      const batch = decodeBatch(delivery(data))
      expect(batch.spans).toStrictEqual(spans.map((span, index) => ({ span, ledger: ledgers[index] ?? EMPTY_LEDGER })))
      expect(batch.spans).toStrictEqual(decodeSpans(data).map(splitLedger))
      expect(batch.context).toStrictEqual({ project: 'p', digest: 'd', ingestedAt: 12345678901234567890n, keyId: 'k1' })
    }),
  )
})

test('corrections come apart from spans', () => {
  const [span] = fc.sample(
    arbitrarySpans.filter((spans) => spans.length > 0),
    1,
  )[0]!
  const corrected = { ...EMPTY_LEDGER, costPicoUsd: 7n, revision: 1_732_150_000_000_000 }
  const data = addSpanAttributes(encodeTraces([span!, span!]), [undefined, ledgerAttributes(corrected)])
  const batch = decodeBatch(delivery(data))
  expect(batch.spans).toStrictEqual([{ span, ledger: EMPTY_LEDGER }])
  expect(batch.corrections).toStrictEqual([{ span, ledger: corrected }])
})

test('of our namespace what no field has is dropped, on a resource too, and the reservation is kept', () => {
  const odd = new Map<string, AttributeValue>([
    ['spanledger.odd', 1n],
    ['spanledger.reservation', 'r'],
  ])
  const [span] = fc.sample(
    arbitrarySpans.filter((spans) => spans.length > 0),
    1,
  )[0]!
  const resource = { ...span!.resource, attributes: odd }
  const [priced] = decodeBatch(delivery(encodeTraces([{ ...span!, attributes: odd, resource }]))).spans
  expect(priced?.ledger).toBe(EMPTY_LEDGER)
  expect([...priced!.span.attributes.keys()]).toStrictEqual(['spanledger.reservation'])
  expect([...priced!.span.resource.attributes.keys()]).toStrictEqual(['spanledger.reservation'])
})

test('a message that ingest never published is malformed, not half read', () => {
  // A resource, a scope and a span without ids.
  const data = Buffer.from('0a0412021200', 'hex')
  expect(() => decodeSpans(data)).toThrow(expect.objectContaining({ code: 'otlp/malformed' }))
  expect(() => decodeBatch(delivery(data))).toThrow(expect.objectContaining({ code: 'otlp/malformed' }))
})

test('a message of refused spans only holds none', () => {
  expect(decodeBatch(delivery(new Uint8Array(0))).spans).toStrictEqual([])
})

test('a broken message leaves nothing to the next one', () => {
  const [span] = fc.sample(
    arbitrarySpans.filter((spans) => spans.length > 0),
    { numRuns: 1, seed: 3 },
  )[0]!
  const priced = ledgerAttributes({ ...EMPTY_LEDGER, model: 'm', inputTokens: 5, costStatus: 'priced' })
  const data = addSpanAttributes(encodeTraces([span!]), [priced])
  const plain = delivery(encodeTraces([span!]))
  let broken = 0
  for (let at = 0; at < data.length; at++) {
    try {
      decodeBatch(delivery(data.with(at, 0xff)))
    } catch {
      broken++
      expect(decodeBatch(plain).spans).toStrictEqual([{ span, ledger: EMPTY_LEDGER }])
    }
  }
  expect(broken).toBeGreaterThan(0)
})
