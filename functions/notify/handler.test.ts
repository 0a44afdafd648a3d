import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { alertMessage } from '../../shared/budgets/alert-message.ts'
import type { AlertTarget } from '../../shared/budgets/budget.ts'
import { termsOf } from '../../shared/budgets/ledger.fixtures.ts'
import type { Alert } from '../../shared/budgets/ledger.ts'
import { openSqliteLedger } from '../../shared/budgets/sqlite-ledger.ts'
import type { Delivery } from '../../shared/bus/bus.ts'
import { createLog } from '../../shared/log.ts'
import { alertRequest } from './alert-body.ts'
import { createNotifySubscriber, type NotifyOptions } from './handler.ts'

const NOW = Date.UTC(2026, 4, 10, 12)
const alert: Alert = {
  id: 'ab'.repeat(32),
  project: 'p',
  budgetId: 'b',
  period: '2026-05-10',
  threshold: 0.8,
  unit: 'usd',
  spent: 8_000_000_000n,
  allowance: 10_000_000_000n,
  at: NOW,
  resetsAt: NOW + 43_200_000,
}
const delivery: Delivery = { id: '1', attempt: 1, ...alertMessage(alert) }

interface Received {
  readonly path: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

let server: Server
let received: Received[]
let answers: Record<string, number>
beforeEach(async () => {
  received = []
  answers = {}
  server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      const path = request.url ?? ''
      received.push({ path, headers: request.headers, body })
      response.writeHead(answers[path] ?? 200, { location: '/elsewhere' }).end('ok')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterEach(() => {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(resolve))
})

const url = (path: string) => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`

async function notifier(alerts: readonly AlertTarget[], options: Partial<NotifyOptions> = {}) {
  const ledger = openSqliteLedger({ path: ':memory:', now: () => NOW })
  await ledger.put('p', 'b', termsOf({ alerts }), '')
  const log = createLog('notify', 'silent')
  return createNotifySubscriber({ ledger, log, reach: 'private', now: () => NOW, ...options })
}

test('a webhook gets the alert with a signature, Slack a sentence', async () => {
  const subscriber = await notifier([
    { kind: 'webhook', url: url('/hook'), secret: 's3cret' },
    { kind: 'slack', url: url('/slack'), secret: '' },
  ])
  expect(await subscriber.handle([delivery])).toEqual([{ kind: 'ack' }])
  const hook = received.find(({ path }) => path === '/hook') as Received
  expect(JSON.parse(hook.body)).toEqual({
    type: 'budget.threshold',
    id: alert.id,
    project: 'p',
    budget: 'b',
    period: '2026-05-10',
    threshold: 0.8,
    spent: { picoUsd: '8000000000', usd: 0.008 },
    allowance: { picoUsd: '10000000000', usd: 0.01 },
    at: '2026-05-10T12:00:00.000Z',
    resetsAt: '2026-05-11T00:00:00.000Z',
  })
  const signature = createHmac('sha256', 's3cret')
    .update(`${NOW / 1000}.${hook.body}`)
    .digest('hex')
  expect(hook.headers).toMatchObject({
    'spanledger-signature': `t=${NOW / 1000},v1=${signature}`,
    'spanledger-alert-id': alert.id,
  })
  const slack = received.find(({ path }) => path === '/slack') as Received
  expect(JSON.parse(slack.body).text).toBe(
    'Budget "b" has reached 80 % (2026-05-10): 0.008 USD of 0.01 USD are spent. It resets at 2026-05-11T00:00:00.000Z.',
  )
  await subscriber.close()
})

test('the documentation shows what a webhook gets', async () => {
  const page = readFileSync(new URL('../../docs/budgets.md', import.meta.url), 'utf8')
  const shown = JSON.parse(/\{"type": "budget\.threshold"[^`]*?\n\n/.exec(page)?.[0] ?? '')
  const { type: _, budget: budgetId, spent, allowance, at, resetsAt, ...same } = shown
  const told: Alert = {
    ...same,
    budgetId,
    unit: 'usd',
    spent: BigInt(spent.picoUsd),
    allowance: BigInt(allowance.picoUsd),
    at: Date.parse(at),
    resetsAt: Date.parse(resetsAt),
  }
  const { body } = alertRequest(told, { kind: 'webhook', url: '', secret: '' }, NOW)
  expect(JSON.parse(body)).toStrictEqual(shown)
})

test('a name without an address is told to nobody', async () => {
  const target: AlertTarget = { kind: 'webhook', url: 'http://nowhere.example/x', secret: '' }
  const subscriber = await notifier([target], { resolve: async () => [] })
  expect(await subscriber.handle([delivery])).toMatchObject([{ kind: 'dead' }])
  await subscriber.close()
})

test('a target that fails is tried again, and no other is told twice', async () => {
  const subscriber = await notifier([
    { kind: 'webhook', url: url('/good'), secret: '' },
    { kind: 'webhook', url: url('/bad'), secret: '' },
  ])
  answers['/bad'] = 503
  expect(await subscriber.handle([delivery])).toMatchObject([{ kind: 'retry', reason: expect.stringContaining('503') }])
  answers['/bad'] = 200
  expect(await subscriber.handle([delivery])).toEqual([{ kind: 'ack' }])
  expect(await subscriber.handle([delivery])).toEqual([{ kind: 'ack' }])
  expect(received.map(({ path }) => path).sort()).toEqual(['/bad', '/bad', '/good'])
  await subscriber.close()
})

test.each([404, 302])('a target that answers %d is not tried again, nor where it points to', async (status) => {
  const subscriber = await notifier([{ kind: 'webhook', url: url('/x'), secret: '' }])
  answers['/x'] = status
  expect(await subscriber.handle([delivery])).toMatchObject([{ kind: 'dead' }])
  expect(received.map(({ path }) => path)).toEqual(['/x'])
  await subscriber.close()
})

test('a target that refused was told again with each try of another', async () => {
  const subscriber = await notifier([webhook(url('/refuses')), webhook(url('/fails'))])
  Object.assign(answers, { '/refuses': 404, '/fails': 503 })
  expect(await subscriber.handle([delivery])).toMatchObject([{ kind: 'retry' }])
  answers['/fails'] = 200
  const dead = { kind: 'dead', reason: expect.stringContaining('404') }
  expect(await subscriber.handle([delivery])).toMatchObject([dead])
  expect(received.map(({ path }) => path).sort()).toEqual(['/fails', '/fails', '/refuses'])
  answers['/refuses'] = 200
  expect(await subscriber.handle([delivery])).toEqual([{ kind: 'ack' }])
  await subscriber.close()
})

test('an alert that came twice at once, published by two instances, was told twice', async () => {
  const subscriber = await notifier([webhook(url('/hook'))])
  expect(await subscriber.handle([delivery, delivery])).toEqual([{ kind: 'ack' }, { kind: 'ack' }])
  expect(received).toHaveLength(1)
  answers['/hook'] = 503
  const other: Delivery = { id: '2', attempt: 1, ...alertMessage({ ...alert, id: 'cd'.repeat(32) }) }
  expect(await subscriber.handle([other, other])).toMatchObject([{ kind: 'retry' }, { kind: 'retry' }])
  answers['/hook'] = 200
  expect(await subscriber.handle([other, other])).toEqual([{ kind: 'ack' }, { kind: 'ack' }])
  expect(received).toHaveLength(3)
  await subscriber.close()
})

const webhook = (target: string): AlertTarget => ({ kind: 'webhook', url: target, secret: '' })
const port = () => (server.address() as AddressInfo).port

test.each(['http://169.254.169.254/x', 'http://[fd00:ec2::254]/', 'http://[::ffff:169.254.169.254]/'])(
  'no alert goes to %s, which gives out credentials',
  async (target) => {
    const subscriber = await notifier([webhook(target)])
    expect(await subscriber.handle([delivery])).toMatchObject([{ kind: 'dead' }])
    await subscriber.close()
  },
)

test.each(['127.0.0.1', '[::1]', '2130706433', '10.0.0.1'])(
  'where tenants share a deployment no alert goes to the private address %s',
  async (host) => {
    const subscriber = await notifier([webhook(`http://${host}:${port()}/x`)], { reach: 'public' })
    const reason = expect.stringContaining('an address that alerts may not go to')
    expect(await subscriber.handle([delivery])).toMatchObject([{ kind: 'dead', reason }])
    expect(received).toEqual([])
    await subscriber.close()
  },
)

test('a name that points to a private address among public ones is refused', async () => {
  const resolve = async () => [
    { address: '93.184.215.14', family: 4 },
    { address: '127.0.0.1', family: 4 },
  ]
  const subscriber = await notifier([webhook(`http://hooks.example:${port()}/x`)], { reach: 'public', resolve })
  expect(await subscriber.handle([delivery])).toMatchObject([{ kind: 'dead' }])
  expect(received).toEqual([])
  await subscriber.close()
})

test('a name that points elsewhere a moment after it was checked is connected to where it was checked', async () => {
  const answers = ['127.0.0.1', '169.254.169.254']
  const resolve = async () => [{ address: answers.shift() ?? '', family: 4 }]
  const subscriber = await notifier([webhook(`http://hooks.example:${port()}/x`)], { resolve })
  expect(await subscriber.handle([delivery])).toEqual([{ kind: 'ack' }])
  expect(received).toMatchObject([{ path: '/x', headers: { host: `hooks.example:${port()}` } }])
  expect(answers).toEqual(['169.254.169.254'])
  await subscriber.close()
})

test('a name that nobody knows is asked again later', async () => {
  const resolve = () => Promise.reject(new Error('getaddrinfo ENOTFOUND hooks.example'))
  const subscriber = await notifier([webhook('http://hooks.example/secret-path')], { resolve })
  const [outcome] = await subscriber.handle([delivery])
  expect(outcome).toMatchObject({ kind: 'retry', reason: expect.stringContaining('hooks.example') })
  expect(JSON.stringify(outcome)).not.toContain('secret-path')
  await subscriber.close()
})

test('what is no alert is kept with the reason; the alert of a budget that is gone is only logged', async () => {
  const subscriber = await notifier([])
  const { attributes } = delivery
  expect(await subscriber.handle([{ ...delivery, data: new Uint8Array([1, 2]) }])).toMatchObject([{ kind: 'dead' }])
  const gone = { ...delivery, attributes: { ...attributes, project: 'other' } }
  expect(await subscriber.handle([gone])).toEqual([{ kind: 'ack' }])
  await subscriber.close()
})
