import fc from 'fast-check'
import { expect, test } from 'vitest'
import { buildSpan } from '../../test/support/span.ts'
import type { AttributeValue } from './attributes.ts'
import { spanBytes } from './size.ts'

const empty = buildSpan({ name: '', scope: '', scopeVersion: '' })

test('grows by whatever a sender makes larger, wherever it is', () => {
  const large = (bytes: number, place: number) => {
    const text = 'x'.repeat(bytes)
    const nested: AttributeValue = [new Map<string, AttributeValue>([['list', [text]]])]
    const attributes = new Map<string, AttributeValue>([['k', nested]])
    const event = { timeUnixNano: 1n, name: text, attributes, droppedAttributesCount: 0 }
    const { resource, scope } = empty
    return [
      { ...empty, name: text },
      { ...empty, statusMessage: text },
      { ...empty, traceState: text },
      { ...empty, attributes },
      { ...empty, attributes: new Map([[text, 1n]]) },
      { ...empty, attributes: new Map([['k', new Uint8Array(bytes)]]) },
      { ...empty, events: [event] },
      { ...empty, events: [{ ...event, name: '' }] },
      { ...empty, links: [{ ...event, traceId: '', spanId: '', traceState: text, attributes: new Map(), flags: 0 }] },
      { ...empty, links: [{ ...event, traceId: '', spanId: '', traceState: '', flags: 0 }] },
      { ...empty, resource: { ...resource, attributes } },
      { ...empty, resource: { ...resource, schemaUrl: text } },
      { ...empty, scope: { ...scope, attributes } },
      { ...empty, scope: { ...scope, name: text } },
      { ...empty, scope: { ...scope, version: text } },
      { ...empty, scope: { ...scope, schemaUrl: text } },
    ][place]
  }
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 15 }), fc.nat(100_000), (place, bytes) => {
      expect(spanBytes(large(bytes, place) as typeof empty)).toBeGreaterThanOrEqual(spanBytes(empty) + bytes)
    }),
  )
})

test('counts many small things, and wide characters', () => {
  const numbers = Array.from({ length: 1_000 }, (_, n) => n)
  expect(spanBytes({ ...empty, attributes: new Map([['k', numbers]]) })).toBeGreaterThan(16_000)
  const event = { timeUnixNano: 1n, name: '', attributes: new Map(), droppedAttributesCount: 0 }
  expect(spanBytes({ ...empty, events: numbers.map(() => event) })).toBeGreaterThan(100_000)
  expect(spanBytes({ ...empty, name: '語'.repeat(1_000) })).toBeGreaterThan(3_000)
})
