import { readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { PubSub } from '@google-cloud/pubsub'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readManifest } from '../../scripts/bundle/manifest.ts'
import { toPubsubMessage } from '../../shared/bus/pubsub-message.ts'
import { decodeSpans } from '../../shared/otlp/batch.ts'
import { encodeTraces } from '../../shared/otlp/encode.ts'
import { FUNCTION_NAMES } from '../../shared/platform/functions.ts'
import { type BigQueryDouble, startBigQuery } from '../emulators/bigquery.ts'
import { bundleForTests, type RunningFunction, startFunction } from '../emulators/cloud.ts'
import { canRun, type Emulator, planPubsub, startEmulator } from '../emulators/emulator.ts'
import { buildSpan } from '../support/span.ts'

const MB = 1_000_000
let folder: string
let bigquery: BigQueryDouble
const plan = planPubsub()

beforeAll(async () => {
  ;[folder, bigquery] = await Promise.all([bundleForTests('e2e'), startBigQuery()])
  await bigquery.createDataset('test', 'ledger')
})
afterAll(async () => {
  await bigquery?.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('what is deployed', () => {
  test.each(FUNCTION_NAMES)('%s is less than 15 MB, and installs the framework and what is native alone', (name) => {
    expect(readManifest(folder)[name].bytes).toBeLessThan(15 * MB)
    const { dependencies } = JSON.parse(readFileSync(join(folder, name, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>
    }
    const native = name === 'lake' ? ['@duckdb/node-api'] : []
    expect(Object.keys(dependencies).sort()).toStrictEqual([...native, '@google-cloud/functions-framework'].sort())
    for (const version of Object.values(dependencies)) expect(version).toMatch(/^\d+\.\d+\.\d+/)
  })
})

describe.skipIf(!canRun('Pub/Sub', plan))('a bundle that Pub/Sub pushes to', () => {
  let emulator: Emulator
  let warehouse: RunningFunction
  let spans = 0

  beforeAll(async () => {
    emulator = await startEmulator(plan)
    const pubsub = new PubSub({ projectId: 'test', apiEndpoint: emulator.host, emulatorMode: true })
    // The books' records have their topic; dead letters have none: what the function cannot do it cannot bury either.
    await pubsub.createTopic('ledger-intake')
    await pubsub.close()
    warehouse = await startFunction(folder, 'warehouse', {
      SPANLEDGER_GCP_PROJECT: 'test',
      SPANLEDGER_GCP_PREFIX: 'ledger',
      SPANLEDGER_GCP_DATASET: 'ledger',
      BIGQUERY_EMULATOR_HOST: bigquery.url,
      PUBSUB_EMULATOR_HOST: emulator.host,
    })
  }, 40_000)
  afterAll(async () => {
    await Promise.all([warehouse?.stop(), emulator?.stop()])
  })

  function push(given: { readonly data?: Uint8Array } = {}) {
    const span = buildSpan({ spanId: String(++spans) })
    const { data = encodeTraces([span]) } = given
    const attributes = { project: 'p', digest: `${spans}`.padStart(64, '0'), ingestedAt: '1', traceparent: '' }
    const message = toPubsubMessage({ data, attributes: { ...attributes, spans: data.length > 0 ? 1 : 0 } })
    return {
      message: {
        ...(data.length > 0 && { data: Buffer.from(message.data).toString('base64') }),
        attributes: message.attributes,
        messageId: String(spans),
      },
      subscription: 'projects/test/subscriptions/ledger-warehouse',
      deliveryAttempt: 1,
    }
  }
  const deliver = async (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) => {
    const init = { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } }
    return (await fetch(`${warehouse.url}/`, init)).status
  }
  const stored = () =>
    bigquery.requests
      .filter(({ kind, table }) => kind === 'insert' && table === 'spans')
      .reduce((sum, { rows }) => sum + rows, 0)

  const event = {
    specversion: '1.0',
    id: '1',
    source: '//pubsub',
    type: 'google.cloud.pubsub.topic.v1.messagePublished',
  }
  const binary = Object.fromEntries(Object.entries(event).map(([name, value]) => [`ce-${name}`, value]))

  test.each<[string, () => object, Record<string, string>]>([
    ['as Pub/Sub sends it', () => push(), {}],
    [
      'as a structured CloudEvent',
      () => ({ ...event, data: push() }),
      { 'content-type': 'application/cloudevents+json' },
    ],
    ['as a binary CloudEvent', () => push(), binary],
    ['without a content type', () => push(), { 'content-type': '' }],
  ])('stores what comes %s, and then acknowledges it', async (_, body, headers) => {
    const before = stored()
    expect(await deliver(JSON.stringify(body()), headers)).toBe(204)
    expect(stored()).toBe(before + 1)
  })

  test('acknowledges a message of attributes only: it holds no span', async () => {
    const before = stored()
    expect(await deliver(JSON.stringify(push({ data: new Uint8Array() })))).toBe(204)
    expect(stored()).toBe(before)
  })

  test.each<[string, () => string | Uint8Array<ArrayBuffer>, number]>([
    ['unknown JSON', () => '{"hello":"world"}', 400],
    ['a CloudEvent of another kind', () => JSON.stringify({ ...event, data: { bucket: 'b' } }), 400],
    ['what is no JSON', () => '{', 400],
    ['nothing', () => '', 400],
    ['an empty message', () => '{"message":{}}', 400],
    ['spans that cannot be read, while no dead letter can be kept', () => unreadable(), 503],
  ])('never acknowledges %s', async (_, body, status) => {
    expect(await deliver(body())).toBe(status)
  })
  const unreadable = () => JSON.stringify(push({ data: new Uint8Array([0xff, 0xff, 0xff]) }))

  test('brings a message back while BigQuery is down, and stores it once when it is not', async () => {
    const body = JSON.stringify(push())
    bigquery.fault = ({ kind }) => (kind === 'insert' ? 503 : undefined)
    try {
      expect(await deliver(body)).toBe(503)
    } finally {
      bigquery.fault = () => undefined
    }
    const before = stored()
    expect(await deliver(body)).toBe(204)
    expect(stored()).toBe(before + 1)
  })

  // The framework by itself would decompress up to 1 GiB before any code of ours.
  test('holds no more than its bound under a bomb', async () => {
    const bomb = gzipSync(Buffer.alloc(900 * 1024 * 1024))
    const answer = deliver(new Uint8Array(bomb), { 'content-encoding': 'gzip' })
    // Where sending takes long the connection ends under it before the answer is read.
    expect(await answer.catch((error: TypeError) => (error.cause as NodeJS.ErrnoException).code)).toBeOneOf([
      413,
      'EPIPE',
      'ECONNRESET',
      'UND_ERR_SOCKET',
    ])
    const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${warehouse.pid}/status`, 'utf8'))
    expect(Number(peak?.[1])).toBeLessThan(400_000)
  })
})

test('the bundle that forwards sends what it is pushed, and acknowledges what has arrived', async () => {
  const arrived: { path: string | undefined; key: string | undefined; spans: readonly string[] }[] = []
  let status = 503
  const receiver = createServer(async (request, response) => {
    const body = gunzipSync(Buffer.concat(await Array.fromAsync(request)))
    const spans = decodeSpans(body).map(({ spanId }) => spanId)
    arrived.push({ path: request.url, key: request.headers['x-key']?.toString(), spans })
    response.writeHead(status).end()
  })
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  const forward = await startFunction(folder, 'forward', {
    SPANLEDGER_GCP_PROJECT: 'test',
    SPANLEDGER_FORWARD_URL: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/v1/traces`,
    SPANLEDGER_FORWARD_HEADERS: 'x-key=a%20secret',
    PUBSUB_EMULATOR_HOST: '127.0.0.1:9',
  })
  try {
    const span = buildSpan({ spanId: 'f' })
    const attributes = { project: 'p', digest: 'f'.repeat(64), spans: 1, ingestedAt: '1', traceparent: '' }
    const { data, attributes: sent } = toPubsubMessage({ data: encodeTraces([span]), attributes })
    const body = JSON.stringify({ message: { data: Buffer.from(data).toString('base64'), attributes: sent } })
    const deliver = async () => (await fetch(`${forward.url}/`, { method: 'POST', body })).status
    expect(await deliver()).toBe(503)
    status = 200
    arrived.length = 0
    expect(await deliver()).toBe(204)
    expect(arrived).toStrictEqual([{ path: '/v1/traces', key: 'a secret', spans: [span.spanId] }])
    expect(forward.logs()).not.toContain('secret')
  } finally {
    await forward.stop()
    receiver.close()
  }
})
