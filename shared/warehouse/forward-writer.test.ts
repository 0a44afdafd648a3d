import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import { decodeBatch } from '../otlp/batch.ts'
import { createForwardWriter, type ForwardOptions } from './forward-writer.ts'
import { pricedSpan } from './trace-store.arbitraries.ts'
import type { SpanBatch } from './trace-store.ts'

interface Received {
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

let server: Server | undefined
afterEach(() => new Promise((resolve) => (server === undefined ? resolve(null) : server.close(resolve))))

/** An endpoint that answers the n-th request as `answers` says, and all after them with 200. */
async function endpoint(...answers: ((response: ServerResponse) => void)[]) {
  const received: Received[] = []
  server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const answer = answers[received.length]
      received.push({ headers: request.headers, body: Buffer.concat(chunks) })
      if (answer === undefined) response.end()
      else answer(response)
    })
  })
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`
  return {
    received,
    open: (options?: Partial<ForwardOptions>) => createForwardWriter({ url, backoffMs: 1, ...options }),
  }
}

function status(code: number, headers: Record<string, string> = {}) {
  return (response: ServerResponse) => response.writeHead(code, headers).end()
}

const [first, second] = fc.sample(pricedSpan, { numRuns: 2, seed: 3 })
const batch = (digest: string, project = 'p'): SpanBatch => ({
  context: { project, digest, ingestedAt: 1n, keyId: '' },
  spans: [first, second].filter((priced) => priced !== undefined),
})

function decode({ body }: Received) {
  const attributes = { project: 'p', digest: 'a', spans: 2, ingestedAt: '1', traceparent: '' }
  return decodeBatch({ id: '', attempt: 1, data: gunzipSync(body), attributes })
}

test('sends spans and what was found out about them, compressed and with the configured headers', async () => {
  const { received, open } = await endpoint()
  const results = await open({ headers: { 'x-api-key': 'secret' } }).write([batch('a')])
  expect(results).toStrictEqual([{ stored: 2, duplicates: 0 }])
  expect(received[0]?.headers).toMatchObject({
    'x-api-key': 'secret',
    'content-type': 'application/x-protobuf',
    'content-encoding': 'gzip',
  })
  expect(decode(received[0] as Received)).toStrictEqual(batch('a'))
})

test('forwards only the projects that are asked for', async () => {
  const { received, open } = await endpoint()
  const results = await open({ projects: ['p'] }).write([batch('a', 'other'), batch('b')])
  expect(results.map(({ stored }) => stored)).toStrictEqual([0, 2])
  expect(received).toHaveLength(1)
})

test.each([408, 429, 500, 503])('tries again after %i', async (code) => {
  const { received, open } = await endpoint(status(code), status(code))
  await open().write([batch('a')])
  expect(received).toHaveLength(3)
})

test('waits as long as Retry-After says, but no longer than it is allowed to', async () => {
  const { received, open } = await endpoint(status(503, { 'retry-after': '3600' }))
  await open({ maxBackoffMs: 5 }).write([batch('a')])
  expect(received).toHaveLength(2)
})

test.each([400, 413, 422])('never sends again what is refused with %i', async (code) => {
  const { received, open } = await endpoint(status(code))
  await expect(open().write([batch('a')])).rejects.toMatchObject({ code: 'store/rejected' })
  expect(received).toHaveLength(1)
})

test.each([301, 401, 403, 404])('blames nobody for %i: the address or the key is wrong', async (code) => {
  const { received, open } = await endpoint(status(code, { location: 'http://127.0.0.1:1/' }))
  await expect(open().write([batch('a')])).rejects.toMatchObject({ code: 'store/unavailable' })
  expect(received).toHaveLength(1)
})

test('gives up after as many tries as it may, without a word of its headers', async () => {
  const { received, open } = await endpoint(status(500), status(500), status(500))
  const failure = await open({ maxAttempts: 3, headers: { authorization: 'Bearer hush' } })
    .write([batch('a')])
    .catch((error: unknown) => error)
  expect(failure).toMatchObject({ code: 'store/unavailable', message: 'store: the forward endpoint answered 500' })
  expect(JSON.stringify(failure)).not.toContain('hush')
  expect(received).toHaveLength(3)
})

test('an endpoint that does not answer, or is not there, is unavailable', async () => {
  const { open } = await endpoint(() => undefined)
  const slow = open({ timeoutMs: 50, maxAttempts: 1 }).write([batch('a')])
  await expect(slow).rejects.toThrow('store: the forward endpoint did not answer within 50 ms')
  server?.closeAllConnections()
  const nowhere = createForwardWriter({ url: 'http://127.0.0.1:1/v1/traces', maxAttempts: 1 })
  await expect(nowhere.write([batch('a')])).rejects.toThrow('store: the forward endpoint cannot be reached')
})

test('closing ends a wait at once', async () => {
  const { open, received } = await endpoint(status(503, { 'retry-after': '20' }))
  const writer = open()
  const write = writer.write([batch('a')])
  write.catch(() => undefined)
  while (received.length === 0) await new Promise(setImmediate)
  await writer.close()
  await expect(write).rejects.toMatchObject({ code: 'store/unavailable' })
})
