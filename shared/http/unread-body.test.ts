import type { Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { afterAll, expect, test } from 'vitest'
import { checkJsonBody } from './json-body.ts'
import { dropUnreadBody } from './unread-body.ts'

const SENT = 'x'.repeat(1_000_000)

const app = new Hono()
app.use('/bounded', ...checkJsonBody({ maxBytes: 1_000, code: 'query/invalid' }))
app.post('/refused', async (c) => {
  const { body } = c.req.raw
  await sleep(1)
  return c.json({ given: body !== null }, 401)
})
app.get('/', (c) => c.text('still here'))
const listening = Promise.withResolvers<void>()
const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, () => listening.resolve()) as Server
server.on('request', dropUnreadBody)
afterAll(() => server.close())

/** What one connection answers to `requests`, each sent once there is an answer to the one before. */
async function ask(...requests: readonly string[]): Promise<string[]> {
  await listening.promise
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  socket.on('error', () => {})
  const answers: string[] = []
  for (const request of requests) {
    const answer = new Promise<string>((resolve) => {
      if (socket.destroyed) resolve('closed')
      socket
        .once('data', (data) => resolve(data.toString().split('\r\n', 1)[0]!))
        .once('close', () => resolve('closed'))
    })
    socket.write(request)
    answers.push(await answer)
    // So that all of the body is there.
    await sleep(20)
  }
  socket.destroy()
  return answers
}

const HEAD = 'HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n'
const sized = (path: string) => `POST ${path} ${HEAD}Content-Length: ${SENT.length}\r\n\r\n${SENT}`
const chunked = (path: string) =>
  `POST ${path} ${HEAD}Transfer-Encoding: chunked\r\n\r\n${SENT.length.toString(16)}\r\n${SENT}\r\n0\r\n\r\n`

test.each([
  ['a body that is too large', sized('/bounded'), '413 Payload Too Large'],
  ['one of unknown length', chunked('/bounded'), '413 Payload Too Large'],
  ['one that nobody read', sized('/refused'), '401 Unauthorized'],
])('the request after %s was never answered, and its connection cut', async (_, refused, status) => {
  const answers = await ask(refused, `GET / ${HEAD}\r\n`, refused, `GET / ${HEAD}\r\n`)
  const expected = [`HTTP/1.1 ${status}`, 'HTTP/1.1 200 OK']
  expect(answers).toStrictEqual([...expected, ...expected])
})
