import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { reprice } from '../../scripts/reprice.ts'
import { attribute, chatSpan, exportRequest, newSpanId, newTraceId, postTraces } from '../support/otlp.ts'
import { eventually, startServer, type TestServer } from '../support/server.ts'
import { type Cloud, startCloud } from './cloud.ts'
import { canRun, planFirestore, planPubsub } from './emulator.ts'
import { bigQueryRows, bucketRows, duckDbRows, parquetRows, type Row } from './stored-rows.ts'

type Json = Record<string, unknown>

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '../..')
const plans = [canRun('Pub/Sub', planPubsub()), canRun('Firestore', planFirestore())]

/** What differs between two runs of the same input: when it came, and by which key. */
const VOLATILE = new Set(['ingestedAt', 'updatedAt', 'createdAt', 'digest', 'projectId', 'keyId'])

function stable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(stable)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !VOLATILE.has(name))
      .map(([name, field]) => [name, stable(field)]),
  )
}

const OWN_PRICE = { provider: '*', model: 'own-*', prices: { input_mtok: 1.5, output_mtok: '2.25' } }

const TOLD = ['content-type', 'allow', 'accept', 'accept-encoding', 'retry-after', 'www-authenticate']

async function answerOf(url: string, init: RequestInit) {
  const response = await fetch(url, init)
  const body = Buffer.from(await response.arrayBuffer()).toString('latin1')
  return { status: response.status, headers: TOLD.map((name) => [name, response.headers.get(name)]), body }
}

describe.skipIf(plans.includes(false))('the main job on Google Cloud, as on one machine', () => {
  let cloud: Cloud
  let local: TestServer
  const traceIds = Array.from({ length: 3 }, newTraceId)
  const start = Date.now() - 60_000
  const calls = traceIds.flatMap((traceId, trace) =>
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
  /** An agent that repeats what its call took, which comes in a later export: its cost is corrected. */
  const [agentTrace, agentSpan] = [newTraceId(), newSpanId()]
  const usage = { traceId: agentTrace, start, inputTokens: 70, outputTokens: 7 }
  const agent = {
    ...chatSpan({ ...usage, spanId: agentSpan, name: 'agent', durationMs: 900 }),
    attributes: [
      attribute('gen_ai.operation.name', 'invoke_agent'),
      attribute('gen_ai.request.model', 'gpt-4o'),
      attribute('gen_ai.usage.input_tokens', 70),
      attribute('gen_ai.usage.output_tokens', 7),
      attribute('share', 0.5),
      attribute('späße', true),
    ],
    events: [{ timeUnixNano: `${start}000001`, name: 'retry', attributes: [attribute('attempt', 2)] }],
    status: { code: 2, message: 'it failed' },
  }
  const itsCall = chatSpan({ ...usage, parentSpanId: agentSpan, model: 'own-1' })
  const spans = [...calls, agent, itsCall]

  beforeAll(async () => {
    ;[cloud, local] = await Promise.all([startCloud(), startServer()])
    const budget = { selector: { user: 'u1' }, limit: { usd: 1 }, period: 'month', timeZone: 'UTC', mode: 'soft' }
    for (const put of [ask(cloudUrl(), cloud.key), ask(local.url)])
      await put('/ledger/v1/budgets/u1', { method: 'PUT', body: JSON.stringify(budget) })
    const prices = { prices: [OWN_PRICE] }
    for (const put of [ask(cloudUrl(), cloud.key), ask(local.url)])
      await put('/ledger/v1/prices', { method: 'PUT', body: JSON.stringify(prices) })
    for (const batch of [
      [...calls.slice(0, 10), agent],
      [...calls.slice(10), itsCall],
    ]) {
      const request = exportRequest(batch)
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
  })

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
    })
  }

  test('each trace is the same, field by field', async () => {
    for (const traceId of traceIds)
      await same(`/ledger/v1/traces/${traceId}`, ({ spanCount }) => expect(spanCount).toBe(7))
  })

  test('the list of traces is the same', () =>
    same('/ledger/v1/traces?pageSize=10', ({ traces }) => expect(traces).toHaveLength(4)))

  test('every span is the same, with prices of its own and the correction of the agent', () =>
    same('/ledger/v1/spans?pageSize=100', ({ spans: found }) => {
      const all = found as { spanId: string; model: string; cost: { picoUsd: string } }[]
      expect(all).toHaveLength(spans.length)
      const cost = (spanId: string) => all.find((span) => span.spanId === spanId)?.cost.picoUsd
      expect(cost(itsCall.spanId)).toBe(String(70 * 1_500_000 + 7 * 2_250_000))
      expect(cost(agentSpan)).toBeNull()
    }))

  test('prices, and what has none, are the same', async () => {
    await same('/ledger/v1/prices', ({ prices }) => expect(prices).toHaveLength(1))
    await same('/ledger/v1/models/unpriced', ({ models }) => expect(models).toStrictEqual([]))
  })

  test('usage by model and user is the same', () =>
    same('/ledger/v1/usage?groupBy=model,user', ({ totals, groups }) => expect(totals ?? groups).toBeDefined()))

  test('the budget has spent the same', () =>
    same('/ledger/v1/budgets/u1', (budget) => expect(JSON.stringify(budget)).toMatch(/"picoUsd":"[1-9]/)))

  test('the lake gets every span once, by schedule', async () => {
    const report = await cloud.schedule('lake', '/write')
    expect(report).toMatchObject({ nacked: 0, empty: true })
    expect(await cloud.schedule('lake', '/write')).toMatchObject({ acked: 0, empty: true })
    const books = await ask(cloudUrl(), cloud.key)('/ledger/v1/conservation')
    const all = { stored: spans.length }
    expect(books).toMatchObject({ accepted: spans.length, sinks: { lake: all, warehouse: all, budget: all } })
  })

  const json = { 'content-type': 'application/json' }
  const proto = { 'content-type': 'application/x-protobuf; charset=x' }
  const bomb = Buffer.alloc(200 * 1024 * 1024)
  const encoded = (encoding: string, body: Buffer, type: object = proto) => ({
    method: 'POST',
    headers: { ...type, 'content-encoding': encoding },
    body: new Uint8Array(body),
  })
  const post = (body: string | Uint8Array<ArrayBuffer>, headers: object = json) => ({
    method: 'POST',
    headers: { ...headers },
    body,
  })

  test.each<[string, number, () => RequestInit]>([
    ['an empty request', 200, () => post('{}')],
    ['an empty request in protobuf', 200, () => post(new Uint8Array(), proto)],
    ['a span that is refused', 200, () => post(JSON.stringify(exportRequest([{ ...chatSpan(), spanId: '00' }])))],
    ['another method', 405, () => ({ method: 'PUT', body: '{}' })],
    ['no content type', 415, () => post(new Uint8Array([1]), {})],
    ['another content type', 415, () => post('x', { 'content-type': 'text/plain' })],
    ['an unknown encoding', 415, () => encoded('br', Buffer.from('x'))],
    ['JSON that is none', 400, () => post('{')],
    ['protobuf that is none', 400, () => post(new Uint8Array([0xff, 0xff]), proto)],
    ['gzip that is none', 400, () => encoded('gzip', Buffer.from('x'))],
    ['gzip cut short', 400, () => encoded('gzip', gzipSync('{}'.repeat(999)).subarray(0, 20), json)],
    ['a gzip bomb', 413, () => encoded('gzip', gzipSync(bomb))],
    ['a deflate bomb', 413, () => encoded('deflate', deflateSync(bomb), json)],
    ['a zstd bomb', 413, () => encoded('zstd', zstdCompressSync(bomb))],
    ['more than is taken', 413, () => post(new Uint8Array(17 * 1024 * 1024))],
  ])('%s gets the same answer', async (_, status, request) => {
    const init = request()
    const authorized = { ...init, headers: { ...init.headers, authorization: `Bearer ${cloud.key}` } }
    const there = await answerOf(`${cloud.functions.ingest.url}/v1/traces`, authorized)
    expect(there).toStrictEqual(await answerOf(`${local.url}/v1/traces`, init))
    expect(there.status).toBe(status)
  })

  test('no bomb makes the function hold more than its bound', () => {
    const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${cloud.functions.ingest.pid}/status`, 'utf8'))
    // The code takes some 150 MB; one body as sent, decompressed and decoded, the rest.
    expect(Number(peak?.[1])).toBeLessThan(400_000)
  })

  test('without a key, and with a wrong one, nothing is taken or told', async () => {
    const wrong = { authorization: `Bearer ${cloud.key.slice(0, -1)}x` }
    for (const headers of [{}, wrong]) {
      expect((await postTraces(cloud.functions.ingest.url, exportRequest(spans), headers)).status).toBe(401)
      expect((await fetch(`${cloudUrl()}/ledger/v1/traces`, { headers })).status).toBe(401)
    }
  })

  test('keys made by the command open their own project alone, with their scopes alone, until they are revoked', async () => {
    const keys = async (...args: string[]) => {
      const env = { ...process.env, ...cloud.environment, METADATA_SERVER_DETECTION: 'none' }
      return (await run(process.execPath, ['scripts/keys.ts', ...args], { env, cwd: ROOT })).stdout
    }
    const [, reader = ''] = /(slk_\S+)/.exec(await keys('create', '--project', 'other', '--scopes', 'read')) ?? []
    const [, spare = ''] = /(slk_\S+)/.exec(await keys('create', '--project', 'other', '--scopes', 'read')) ?? []
    const listed = await ask(cloudUrl(), reader)('/ledger/v1/traces')
    expect(listed.traces).toStrictEqual([])
    await expect(ask(cloudUrl(), reader)(`/ledger/v1/traces/${traceIds[0]}`)).rejects.toThrow('404')
    const put = { method: 'PUT', body: JSON.stringify({ prices: [] }) }
    await expect(ask(cloudUrl(), reader)('/ledger/v1/prices', put)).rejects.toThrow('403')
    const sent = await postTraces(cloud.functions.ingest.url, exportRequest([chatSpan()]), {
      authorization: `Bearer ${reader}`,
    })
    expect(sent.status).toBe(403)

    await keys('revoke', spare.slice(0, spare.indexOf('.')))
    await expect(ask(cloudUrl(), spare)('/ledger/v1/traces')).rejects.toThrow('401')
    expect(await keys('list', '--project', 'other')).toMatch(/revoked 20/)
    expect(await keys('list', '--project', 'default')).toContain('made by the deployment')
  })

  test('a model without a price is listed, priced, and repriced by the command, with the same outcome', async () => {
    const traceId = newTraceId()
    const request = exportRequest([chatSpan({ traceId, start, model: 'house-model', inputTokens: 1_000, user: 'u9' })])
    const there = { url: cloudUrl(), key: cloud.key }
    const here = { url: local.url, key: undefined }
    await postTraces(cloud.functions.ingest.url, request, { authorization: `Bearer ${cloud.key}` })
    await postTraces(local.url, request)
    await same('/ledger/v1/models/unpriced', ({ models }) => expect(models).toMatchObject([{ model: 'house-model' }]))
    const range = { from: new Date(start - 1_000).toISOString(), to: new Date(start + 60_000).toISOString() }
    const prices = {
      prices: [OWN_PRICE, { provider: '*', model: 'house-*', prices: { input_mtok: 3, output_mtok: '0.5' } }],
    }
    for (const { url, key } of [there, here]) {
      await ask(url, key)('/ledger/v1/prices', { method: 'PUT', body: JSON.stringify(prices) })
      expect(await ask(url, key)('/ledger/v1/prices')).toStrictEqual(prices)
      const dry = await reprice({ url, key, ...range, apply: false })
      expect(dry.changes).toMatchObject([{ model: 'house-model', user: 'u9', after: 3_050_000_000n, unknownBefore: 1 }])
      expect((await reprice({ url, key, ...range, apply: true })).changes).toStrictEqual(dry.changes)
    }
    await same(`/ledger/v1/traces/${traceId}`, ({ cost }) =>
      expect(cost).toMatchObject({ picoUsd: '3050000000', status: 'priced' }),
    )
    await same('/ledger/v1/models/unpriced', ({ models }) => expect(models).toStrictEqual([]))
  })

  test('the books say the same, and balance', async () => {
    await cloud.schedule('lake', '/write')
    await cloud.schedule('books', '/write')
    await same('/ledger/v1/conservation', (books) => {
      expect(books).toMatchObject({ rejected: { invalid_span_id: 1 }, balanced: true })
      expect(books.accepted).toBeGreaterThanOrEqual(spans.length)
      // The embedded report has no sink less, and none more.
      expect(Object.keys(books.sinks as object).sort()).toStrictEqual(['budget', 'lake', 'warehouse'])
    })
  })

  test('every row is the same, column by column, in the warehouse and in the lake', async () => {
    // Ends its writing, and lets go of its files.
    expect(await local.end('SIGTERM')).toBe(0)
    // A correction's number is the time at which it was found.
    const without = ({ ingested_at: _, IngestedAt: __, key_id: ___, KeyId: ____, ledger_revision, ...row }: Row) => ({
      ...row,
      corrected: ledger_revision !== '0',
    })
    // One machine needs no key.
    const keyId = cloud.key.slice('slk_'.length, cloud.key.indexOf('.'))
    const keyIds = async (rows: Promise<readonly Row[]>) => new Set((await rows).map((row) => row.key_id ?? row.KeyId))
    expect(await keyIds(bigQueryRows(cloud))).toStrictEqual(new Set([keyId]))
    expect(await keyIds(bucketRows(cloud))).toStrictEqual(new Set([keyId]))
    const rows = (await bigQueryRows(cloud)).map(without)
    expect(rows.length).toBeGreaterThanOrEqual(spans.length)
    expect(rows).toStrictEqual((await duckDbRows(join(local.data, 'warehouse.duckdb'))).map(without))
    const files = (await bucketRows(cloud)).map(without)
    expect(files).toHaveLength(rows.length)
    expect(files).toStrictEqual((await parquetRows(join(local.data, 'lake/traces'))).map(without))
  })
})
