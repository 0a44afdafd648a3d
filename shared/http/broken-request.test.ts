import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { answerBrokenRequest } from './broken-request.ts'

const server = createServer({ requestTimeout: 200, connectionsCheckingInterval: 50 }, (request, response) => {
  if (request.url === '/begun') response.write('begun')
  else request.on('end', () => response.end('fine')).resume()
}).on('clientError', answerBrokenRequest)
beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)))
afterAll(() => new Promise((resolve) => server.close(resolve)))

function send(request: string): Promise<string> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  socket.on('error', () => {})
  socket.end(request)
  return text(socket)
}

test.each([
  [
    'a URL of 20,000 characters',
    `GET /?${'a'.repeat(20_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    431,
    'http/too-large',
    'ask for less',
  ],
  [
    'a URL of 2 MB, of which most is still on its way,',
    `GET /?${'a'.repeat(2_000_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    431,
    'http/too-large',
    'ask for less',
  ],
  [
    'a method that is none',
    'FOO / HTTP/1.1\r\nHost: localhost\r\n\r\n',
    400,
    'http/malformed',
    'not HTTP that can be read',
  ],
  ['HTTP/2, as gRPC speaks it', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'http/malformed', 'http/protobuf'],
  [
    'two lengths',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
    400,
    'http/malformed',
    'not HTTP that can be read',
  ],
])('%s was refused without a word', async (_, request, status, code, hint) => {
  const [head = '', body = ''] = (await send(request)).split('\r\n\r\n')
  expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
  expect(head.toLowerCase()).toContain(`content-length: ${Buffer.byteLength(body)}`)
  expect(head.toLowerCase()).toContain('connection: close')
  expect(JSON.parse(body)).toMatchObject({ status, code, detail: expect.stringContaining(hint) })
})

test('a body that does not come was answered without a word', async () => {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  socket.write('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{')
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n(?:.|\s)*"code":"http\/timeout"/)
})

test('into an answer that is begun nothing is written', async () => {
  const answer = await send('POST /begun HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n')
  expect(answer).not.toContain('problem+json')
})

test('a connection that is gone is not written to', async () => {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\nHost')
  await new Promise((resolve) => socket.once('connect', resolve))
  socket.resetAndDestroy()
  expect(await send('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')).toContain('fine')
})
