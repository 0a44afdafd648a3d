import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { Delivery } from '../../shared/bus/bus.ts'
import { SpanledgerError } from '../../shared/errors.ts'
import { openDirectoryStore } from '../../shared/lake/directory-store.ts'
import { readLakeBatches } from '../../shared/lake/lake-batches.ts'
import type { ObjectStore } from '../../shared/lake/object-store.ts'
import { listReadable } from '../../shared/lake/readable-files.ts'
import { DAY, HOUR, hexId, testSpan } from '../../shared/lake/test-spans.ts'
import { createMemoryStore } from '../../shared/lake/test-store.ts'
import { createLog } from '../../shared/log.ts'
import { decodeBatch } from '../../shared/otlp/batch.ts'
import { encodeTraces } from '../../shared/otlp/encode.ts'
import type { AttributeValue } from '../../shared/spans/attributes.ts'
import { ledgerAttributes } from '../../shared/spans/ledger.ts'
import { createLakeSubscriber } from './handler.ts'

const log = createLog('lake', 'silent')
const roots: string[] = []
afterAll(async () => {
  for (const root of roots) await rm(root, { recursive: true })
})

function delivery(id: number, spans: ReturnType<typeof testSpan>[]): Delivery {
  const data = encodeTraces(
    spans.map(({ span, ledger }) => ({
      ...span,
      attributes: new Map<string, AttributeValue>([...span.attributes, ...ledgerAttributes(ledger)]),
    })),
  )
  const digest = createHash('sha256').update(data).digest('hex')
  const ingestedAt = String(DAY + HOUR)
  return {
    id: String(id),
    attempt: 1,
    data,
    attributes: { project: 'default', digest, spans: spans.length, ingestedAt, traceparent: '' },
  }
}
const span = (id: number, start = DAY) => testSpan({ spanId: hexId(id, 16), startTimeUnixNano: start })

test('what it acknowledges is in the lake, exactly as it came', async () => {
  const root = await mkdtemp(join(tmpdir(), 'lake-'))
  roots.push(root)
  const store = openDirectoryStore(root)
  const subscriber = createLakeSubscriber({ store, log })
  const rich = testSpan({
    spanId: hexId(9, 16),
    startTimeUnixNano: DAY + HOUR + 1n,
    parentSpanId: hexId(8, 16),
    attributes: {
      'gen_ai.usage.input_tokens': 'many',
      'gen_ai.usage.input_tokens.as_sent': 3n,
      'gen_ai.usage.output_tokens': 12n,
      list: ['a', 1n, 1.5, true, null],
      bytes: new Uint8Array([0, 255]),
      nested: new Map<string, AttributeValue>([['nan', Number.NaN]]),
      max: 2n ** 63n - 1n,
      double: 5,
      empty: null,
    },
    events: [{ timeUnixNano: DAY + 3n, name: 'e', attributes: new Map([['k', 'v']]), droppedAttributesCount: 2 }],
    droppedAttributesCount: 4,
    statusCode: 'ERROR',
    ledger: { inputTokens: 7, costPicoUsd: 123n, costStatus: 'priced', receipt: '{}' },
  })
  const deliveries = [delivery(1, [span(1), span(2, DAY + HOUR), rich]), delivery(2, [span(3)])]
  expect(await subscriber.handle(deliveries)).toStrictEqual([{ kind: 'ack' }, { kind: 'ack' }])
  expect(await subscriber.counts('default')).toStrictEqual({ stored: 4n, duplicates: 0n, quarantined: 0n, expired: 0n })

  const paths = (await listReadable(store)).spans.map(({ name }) => join(root, name))
  const read = (await Array.fromAsync(readLakeBatches(paths, { scratch: root }))).flat()
  const sent = deliveries.map(decodeBatch)
  const bySpan = (batches: typeof sent) =>
    batches
      .map(({ context, spans }) => ({
        context,
        spans: spans.toSorted((a, b) => (a.span.spanId < b.span.spanId ? -1 : 1)),
      }))
      .toSorted((a, b) => (a.context.digest < b.context.digest ? -1 : 1))
  expect(bySpan(read)).toStrictEqual(bySpan(sent))
})

test('a message that cannot be read is dead, those beside it are done', async () => {
  const subscriber = createLakeSubscriber({ store: createMemoryStore(), log })
  const broken = { ...delivery(1, [span(1)]), data: Uint8Array.of(10, 255, 1) }
  const outcomes = await subscriber.handle([broken, delivery(2, [span(2)])])
  expect(outcomes).toMatchObject([{ kind: 'dead', reason: expect.stringContaining('otlp') }, { kind: 'ack' }])
})

test('while the store refuses, messages wait and none is blamed; then each is stored once', async () => {
  const memory = createMemoryStore()
  let full = true
  const store: ObjectStore = {
    ...memory,
    async putIfAbsent(name, data) {
      if (full && name.includes('hr=01'))
        throw new SpanledgerError('lake/unavailable', `cannot write ${name}: disk full`)
      return memory.putIfAbsent(name, data)
    },
  }
  const subscriber = createLakeSubscriber({ store, log })
  const deliveries = [delivery(1, [span(1), span(2, DAY + HOUR)]), delivery(2, [span(3)])]
  expect(await subscriber.handle(deliveries)).toMatchObject([
    { kind: 'retry', blameless: true, reason: expect.stringContaining('hr=01') },
    { kind: 'ack' },
  ])
  full = false
  expect(await subscriber.handle(deliveries)).toStrictEqual([{ kind: 'ack' }, { kind: 'ack' }])
  expect((await subscriber.counts('default')).stored).toBe(3n)
})
