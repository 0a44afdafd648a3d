import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { TraceEntry, TraceStateStore } from './trace-state.ts'

const entry = (digest: string, spanId = 'a'): TraceEntry => ({
  digest,
  links: new Map([[spanId, { parent: '', tool: digest === 'd2' }]]),
  usages: [
    {
      spanId,
      call: {
        dialect: 'opentelemetry',
        operation: 'invoke_agent',
        composite: true,
        summary: false,
        provider: 'openai',
        requestModel: 'gpt-4o',
        responseModel: '',
        responseId: '',
        serviceTier: '',
        agentName: 'clerk',
        toolName: '',
        reportedCostUsd: 0.25,
        resolution: {
          kind: 'ambiguous',
          rule: 'cache_unknown',
          usage: [5, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0],
          other: [4, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0],
        },
        userId: 'u',
        sessionId: '',
        environment: '',
      },
      name: 'agent',
      kind: 'INTERNAL',
      service: 's',
      startTimeUnixNano: 2n ** 63n - 1n,
      endTimeUnixNano: 7n,
      ...(digest === 'd2' && { reservation: 'res_1' }),
      billed: [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
      ...(digest === 'd2' && { said: { status: 'priced', total: '12', version: 'custom@1' } }),
    },
  ],
  corrections: [{ spanId, revision: 1_800_000_000_000_001, billed: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] }],
})

/** What every adapter of {@link TraceStateStore} does. */
export function describeTraceState(name: string, open: () => Promise<TraceStateStore>): void {
  describe(name, () => {
    const key = { project: 'p', traceId: 'aa'.repeat(16) }
    const read = (store: TraceStateStore, of = key) =>
      store.transact([of], (known) => ({ append: [], result: known(of) }))
    const append = (store: TraceStateStore, added: TraceEntry, of = key) =>
      store.transact([of], (known) => ({ append: [{ ...of, entry: added }], result: known(of).length }))

    test('what was appended comes back whole, to its own trace and project', async () => {
      const store = await open()
      expect(await read(store)).toStrictEqual([])
      await append(store, entry('d1'))
      await append(store, entry('d2'))
      const kept = (await read(store)).toSorted((a, b) => (a.digest < b.digest ? -1 : 1))
      expect(kept).toStrictEqual([entry('d1'), entry('d2')])
      expect(await read(store, { project: 'q', traceId: 'aa'.repeat(16) })).toStrictEqual([])
      expect(await read(store, { project: 'p', traceId: 'bb'.repeat(16) })).toStrictEqual([])
      await store.close()
    })

    test('nothing is decided before all is ready, and nothing where that fails', async () => {
      const store = await open()
      let ready = false
      const wait = new Promise<void>((resolve) => setTimeout(resolve, 20)).then(() => {
        ready = true
      })
      const decide = () => ({ append: [], result: ready })
      expect(await store.transact([key], decide, wait)).toBe(true)
      const failed = Promise.reject(new Error('not ready'))
      await expect(
        store.transact([key], () => ({ append: [{ ...key, entry: entry('d1') }], result: 0 }), failed),
      ).rejects.toThrow()
      expect(await read(store)).toStrictEqual([])
      await store.close()
    })

    test('an entry of twenty thousand spans comes back whole, with those beside it', async () => {
      const store = await open()
      const [usage] = entry('d1').usages
      const ids = Array.from({ length: 20_000 }, () => randomBytes(8).toString('hex'))
      const links = new Map(ids.map((spanId) => [spanId, { parent: ids[0]!, tool: false }]))
      const usages = ids.map((spanId) => ({ ...usage!, spanId, call: { ...usage!.call, responseId: `r-${spanId}` } }))
      const large = { ...entry('d1'), links, usages }
      const other = { project: 'p', traceId: 'bb'.repeat(16) }
      const all = [
        { ...key, entry: large },
        { ...other, entry: entry('d1') },
      ]
      await store.transact([key, other], () => ({ append: all, result: undefined }))
      expect(await read(store)).toStrictEqual([large])
      expect(await read(store, other)).toStrictEqual([entry('d1')])
      await store.close()
    })

    test('nothing is kept of a decision that fails', async () => {
      const store = await open()
      const failing = store.transact([key], () => {
        throw new Error('no')
      })
      await expect(failing).rejects.toMatchObject({ code: 'store/unavailable' })
      expect(await read(store)).toStrictEqual([])
      await store.close()
    })

    test('of decisions at once each sees what the others have kept', async () => {
      const store = await open()
      const seen = await Promise.all(Array.from({ length: 6 }, (_, index) => append(store, entry(`d${index}`))))
      expect(seen.toSorted()).toStrictEqual([0, 1, 2, 3, 4, 5])
      await store.close()
    })

    test('a trace that comes in a hundred messages is whole, and so are those beside it', async () => {
      const store = await open()
      const other = { project: 'p', traceId: 'bb'.repeat(16) }
      const digests = Array.from({ length: 100 }, (_, index) => `d${index}`)
      for (const digest of digests) {
        const append = [key, ...(digest.endsWith('7') ? [other] : [])].map((each) => ({
          ...each,
          entry: entry(digest),
        }))
        await store.transact([key], () => ({ append, result: undefined }))
      }
      const kept = (of: typeof key) => read(store, of).then((entries) => entries.map(({ digest }) => digest).toSorted())
      expect(await kept(key)).toStrictEqual(digests.toSorted())
      expect(await kept(other)).toStrictEqual(digests.filter((digest) => digest.endsWith('7')).toSorted())
      await store.close()
    })

    test('many traces are asked for at once', async () => {
      const store = await open()
      const keys = Array.from({ length: 70 }, (_, index) => ({
        project: 'p',
        traceId: index.toString(16).padStart(32, '0'),
      }))
      const all = keys.map((each) => ({ ...each, entry: entry('d1') }))
      await store.transact(keys, () => ({ append: all, result: undefined }))
      const counts = await store.transact(keys, (known) => ({
        append: [],
        result: keys.map((each) => known(each).length),
      }))
      expect(counts).toStrictEqual(keys.map(() => 1))
      await store.close()
    })
  })
}
