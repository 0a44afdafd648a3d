import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { PubSub } from '@google-cloud/pubsub'
import { serve } from '@hono/node-server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { canRun, type Emulator, freePort, planPubsub, startEmulator } from '../../test/emulators/emulator.ts'
import { createTopics } from '../../test/emulators/messaging.ts'
import { ACK, type Delivery, type Outcome, type Subscriber, type Subscription, type Topic } from './bus.ts'
import { openPubsubBus } from './pubsub-bus.ts'
import type { PubsubOptions } from './pubsub-client.ts'
import { createPushApp } from './pubsub-push.ts'
import { openPubsubSource, type PubsubSource } from './pubsub-source.ts'

const plan = planPubsub()
let emulator: Emulator
let admin: PubSub
let used = 0

interface Fixture extends PubsubOptions {
  readonly source: PubsubSource
  subscribe(topic: Topic | 'dead-letter', name: string, pushEndpoint?: string): Promise<void>
  deadLetters(): Promise<Record<string, string>[]>
}

/** Topics and subscriptions of their own for each test. */
async function createFixture(subscription: Subscription = 'lake'): Promise<Fixture> {
  const options = {
    projectId: 'test',
    prefix: `t${used++}`,
    apiEndpoint: emulator.host,
    retry: { delayMs: 1, attempts: 3 },
  }
  await createTopics(admin, options.prefix)
  const subscribe: Fixture['subscribe'] = async (topic, name, pushEndpoint) => {
    await admin.topic(`${options.prefix}-${topic}`).createSubscription(`${options.prefix}-${name}`, {
      ackDeadlineSeconds: 10,
      ...(pushEndpoint !== undefined && { pushConfig: { pushEndpoint } }),
    })
  }
  const source = await openPubsubSource({ ...options, subscription })
  const graveyard = `${options.prefix}-graveyard`
  await subscribe('dead-letter', 'graveyard')
  const deadLetters: Fixture['deadLetters'] = async () => {
    const found: Record<string, string>[] = []
    const reader = admin.subscription(graveyard)
    reader.on('message', (message) => {
      found.push(message.attributes)
      message.ack()
    })
    await until(() => found.length > 0)
    await reader.close()
    return found
  }
  return { ...options, source, subscribe, deadLetters }
}

function message(index: number, size = 10) {
  return {
    data: Buffer.alloc(size, index),
    attributes: {
      project: 'p',
      digest: index.toString(16).padStart(64, '0'),
      spans: 1,
      ingestedAt: '1',
      traceparent: '',
    },
  }
}

/** A subscriber that answers as told and remembers what it was given. */
function recorder(outcome: (delivery: Delivery) => Outcome = () => ACK) {
  const seen: Delivery[] = []
  const batches: number[] = []
  const subscriber: Subscriber = {
    async handle(deliveries) {
      seen.push(...deliveries)
      batches.push(deliveries.length)
      return deliveries.map(outcome)
    },
    async close() {},
  }
  return { seen, batches, subscriber }
}

async function until(condition: () => boolean, timeoutMs = 15_000): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; !condition(); await sleep(20))
    if (Date.now() > deadline) throw new Error('waited in vain')
}

const bounds = { maxMessages: 1_000, maxBytes: 64 * 1024 * 1024, deadline: Number.POSITIVE_INFINITY }

describe.skipIf(!canRun('Pub/Sub', plan))('on the Pub/Sub emulator', () => {
  beforeAll(async () => {
    emulator = await startEmulator(plan)
    admin = new PubSub({ projectId: 'test', apiEndpoint: emulator.host, emulatorMode: true })
  })
  afterAll(async () => {
    await admin?.close()
    await emulator?.stop()
  })

  test('what is published is pulled whole by each subscription, whatever its size', async () => {
    const fixture = await createFixture()
    await fixture.subscribe('priced-spans', 'lake')
    const bus = await openPubsubBus(fixture)
    const sent = [
      message(1),
      message(2, 0),
      message(3, 8 * 1024 * 1024),
      ...Array.from({ length: 40 }, (_, i) => message(i + 4)),
    ]
    await bus.publish('priced-spans', sent)
    const { seen, subscriber } = recorder()
    const report = await fixture.source.drain({ ...bounds, subscriber, bus })
    expect(report).toStrictEqual({ acked: sent.length, nacked: 0, empty: true })
    const received = seen.toSorted((a, b) => (a.attributes.digest < b.attributes.digest ? -1 : 1))
    expect(received.map(({ attributes }) => attributes)).toEqual(sent.map(({ attributes }) => attributes))
    expect(received.every(({ data }, index) => Buffer.compare(data, sent[index]!.data) === 0)).toBe(true)
    expect(await fixture.source.drain({ ...bounds, subscriber, bus })).toMatchObject({ acked: 0, empty: true })
    await Promise.all([bus.close(), fixture.source.close()])
  })

  test('what a subscriber refuses comes back; what it calls dead is kept with the reason', async () => {
    const fixture = await createFixture()
    await fixture.subscribe('priced-spans', 'lake')
    const bus = await openPubsubBus(fixture)
    await bus.publish('priced-spans', [message(1), message(2), message(3)])
    const dead = message(2).attributes.digest
    const again = message(3).attributes.digest
    const first = recorder(({ attributes: { digest } }) => {
      if (digest === dead) return { kind: 'dead', reason: 'no good' }
      return digest === again ? { kind: 'retry', reason: 'later' } : ACK
    })
    await fixture.source.drain({
      ...bounds,
      maxMessages: 3,
      deadline: Date.now() + 1,
      subscriber: first.subscriber,
      bus,
    })
    const second = recorder()
    await fixture.source.drain({ ...bounds, subscriber: second.subscriber, bus })
    expect(second.seen.map(({ attributes }) => attributes.digest)).toStrictEqual([again])
    expect(await fixture.deadLetters()).toMatchObject([
      { digest: dead, deadSubscription: 'lake', deadReason: 'no good' },
    ])
    await Promise.all([bus.close(), fixture.source.close()])
  })

  test('a message that nobody of ours sent is dead-lettered, those beside it are handled', async () => {
    const fixture = await createFixture()
    await fixture.subscribe('priced-spans', 'lake')
    const bus = await openPubsubBus(fixture)
    await admin
      .topic(`${fixture.prefix}-priced-spans`)
      .publishMessage({ data: Buffer.from('?'), attributes: { who: 'me' } })
    await bus.publish('priced-spans', [message(1)])
    const { seen, subscriber } = recorder()
    await fixture.source.drain({ ...bounds, subscriber, bus })
    expect(seen).toHaveLength(1)
    expect(await fixture.deadLetters()).toMatchObject([{ who: 'me', deadSubscription: 'lake' }])
    await Promise.all([bus.close(), fixture.source.close()])
  })

  test('a missing topic is unavailable and says what to do', async () => {
    const bus = await openPubsubBus({ projectId: 'test', prefix: 'none', apiEndpoint: emulator.host })
    await expect(bus.publish('spans', [message(1)])).rejects.toThrow('(gRPC 5): it is missing: deploy infra')
    await bus.close()
    await expect(bus.publish('spans', [message(1)])).rejects.toMatchObject({ code: 'bus/closed' })
  })

  test('publishing more than Pub/Sub takes at a time is refused, and possible again after', async () => {
    const fixture = await createFixture()
    const bus = await openPubsubBus({ ...fixture, maxOutstandingBytes: 100_000 })
    const random = { ...message(1), data: crypto.getRandomValues(new Uint8Array(60_000)) }
    const [first, second] = await Promise.allSettled([bus.publish('spans', [random]), bus.publish('spans', [random])])
    expect(first.status).toBe('fulfilled')
    expect(second).toMatchObject({ status: 'rejected', reason: { code: 'bus/full' } })
    await bus.publish('spans', [random])
    await Promise.all([bus.close(), fixture.source.close()])
  })

  test('no answer from Pub/Sub is bounded and reported', async () => {
    const apiEndpoint = `127.0.0.1:${await freePort()}`
    const bus = await openPubsubBus({ projectId: 'test', prefix: 'x', apiEndpoint, retry: { attempts: 3, delayMs: 1 } })
    await expect(bus.publish('spans', [message(1)])).rejects.toMatchObject({ code: 'bus/unavailable' })
    await bus.close()
  })

  test('pushes reach the subscriber, and come back until it takes them', async () => {
    const fixture = await createFixture()
    const bus = await openPubsubBus(fixture)
    let refusals = 2
    const { seen, subscriber } = recorder(() => (refusals-- > 0 ? { kind: 'retry', reason: 'not yet' } : ACK))
    const server = serve({ fetch: createPushApp({ subscription: 'price', subscriber, bus }).fetch, port: 0 })
    await until(() => server.address() !== null)
    await fixture.subscribe('spans', 'price', `http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    const sent = message(7, 8 * 1024 * 1024)
    await bus.publish('spans', [sent])
    await until(() => seen.length >= 3)
    expect(Buffer.compare(seen[2]!.data, sent.data)).toBe(0)
    expect(seen[2]!.attributes).toEqual(sent.attributes)
    await Promise.all([bus.close(), fixture.source.close(), server.close()])
  })
})
