import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chatSpan, exportRequest, newTraceId, postTraces } from '../support/otlp.ts'
import { eventually, startServer, type TestServer } from '../support/server.ts'
import { type Cloud, startCloud } from './cloud.ts'
import { canRun, planFirestore, planPubsub } from './emulator.ts'

type Json = Record<string, unknown>

const plans = [canRun('Pub/Sub', planPubsub()), canRun('Firestore', planFirestore())]

/** What differs between two runs of the same input: when it came. */
const VOLATILE = new Set(['ingestedAt', 'updatedAt', 'createdAt', 'digest', 'projectId'])

function stable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(stable)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !VOLATILE.has(name))
      .map(([name, field]) => [name, stable(field)]),
  )
}

describe.skipIf(plans.includes(false))('the main job on Google Cloud, as on one machine', () => {
  let cloud: Cloud
  let local: TestServer
  const traceIds = Array.from({ length: 3 }, newTraceId)
  const start = Date.now() - 60_000
  const spans = traceIds.flatMap((traceId, trace) =>
    Array.from({ length: 7 }, (_, index) =>
      chatSpan({
        traceId,
        start: start + trace * 1_000 + index * 10,
        durationMs: 50 + index,
        model: index % 2 === 0 ? 'gpt-4o-mini' : 'gpt-4o',
        inputTokens: 100 * (index + 1),
        outputTokens: 10 * (trace + 1),
        user: `u${trace}`,
      }),
    ),
  )

  beforeAll(async () => {
    ;[cloud, local] = await Promise.all([startCloud(), startServer()])
    const budget = { selector: { user: 'u1' }, limit: { usd: 1 }, period: 'month', timeZone: 'UTC', mode: 'soft' }
    for (const put of [ask(cloudUrl(), cloud.key), ask(local.url)])
      await put('/ledger/v1/budgets/u1', { method: 'PUT', body: JSON.stringify(budget) })
    for (const request of [exportRequest(spans.slice(0, 10)), exportRequest(spans.slice(10))]) {
      const headers = { authorization: `Bearer ${cloud.key}` }
      // Twice, as a client does whose answer was lost.
      for (let attempt = 0; attempt < 2; attempt++) {
        expect((await postTraces(cloud.functions.ingest.url, request, headers)).status).toBe(200)
        expect((await postTraces(local.url, request)).status).toBe(200)
      }
    }
  }, 120_000)
  afterAll(async () => {
    await Promise.all([cloud?.stop(), local?.dispose()])
  }, 30_000)

  const cloudUrl = () => cloud.functions.query.url
  function ask(url: string, key?: string) {
    return async (path: string, init: RequestInit = {}): Promise<Json> => {
      const headers = {
        'content-type': 'application/json',
        ...(key !== undefined && { authorization: `Bearer ${key}` }),
      }
      const response = await fetch(url + path, { ...init, headers })
      if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
      return (await response.json()) as Json
    }
  }

  /** The answers of both, once they are the same. */
  async function same(path: string, check: (answer: Json) => void): Promise<void> {
    await eventually(async () => {
      const [there, here] = await Promise.all([ask(cloudUrl(), cloud.key)(path), ask(local.url)(path)])
      check(here)
      expect(stable(there)).toStrictEqual(stable(here))
    }, 25_000)
  }

  test('each trace is the same, field by field', async () => {
    for (const traceId of traceIds)
      await same(`/ledger/v1/traces/${traceId}`, ({ spanCount }) => expect(spanCount).toBe(7))
  })

  test('the list of traces is the same', () =>
    same('/ledger/v1/traces?pageSize=10', ({ traces }) => expect(traces).toHaveLength(3)))

  test('usage by model and user is the same', () =>
    same('/ledger/v1/usage?groupBy=model,user', ({ totals, groups }) => expect(totals ?? groups).toBeDefined()))

  test('the budget has spent the same', () =>
    same('/ledger/v1/budgets/u1', (budget) => expect(JSON.stringify(budget)).toMatch(/"picoUsd":"[1-9]/)))

  test('the lake gets every span once, by schedule', async () => {
    const report = await cloud.schedule('/write')
    expect(report).toMatchObject({ nacked: 0, empty: true })
    expect(await cloud.schedule('/write')).toMatchObject({ acked: 0, empty: true })
    const books = await ask(cloudUrl(), cloud.key)('/ledger/v1/conservation')
    expect(books).toMatchObject({ accepted: 21, sinks: { lake: { stored: 21 }, warehouse: { stored: 21 } } })
  })

  test('without a key, and with a wrong one, nothing is taken or told', async () => {
    const wrong = { authorization: `Bearer ${cloud.key.slice(0, -1)}x` }
    for (const headers of [{}, wrong]) {
      expect((await postTraces(cloud.functions.ingest.url, exportRequest(spans), headers)).status).toBe(401)
      expect((await fetch(`${cloudUrl()}/ledger/v1/traces`, { headers })).status).toBe(401)
    }
  })
})
