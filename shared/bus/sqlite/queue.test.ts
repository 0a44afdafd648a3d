import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Bus, Delivery, Message, Outcome, Subscription } from '../bus.ts'
import { ACK } from '../bus.ts'
import { createDoorbell } from '../doorbell.ts'
import { openQueueAdmin } from './backlog.ts'
import { openSqliteBus } from './bus.ts'
import { prepareQueue } from './database.ts'
import { backoffMs, openSqliteSource } from './source.ts'

const ALL: Subscription[] = ['price', 'budget', 'warehouse', 'lake']
let directory: string
let clock: number
const closers: (() => unknown)[] = []

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'queue-'))
  clock = 1_000_000
})
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
  rmSync(directory, { recursive: true, force: true })
})

const now = () => clock

function start(options: { maxBytes?: number; subscriptions?: Subscription[] } = {}) {
  const doorbell = createDoorbell()
  prepareQueue({ directory }, { subscriptions: options.subscriptions ?? ALL, now: clock })
  const bus = openSqliteBus({ directory, doorbell, maxBytes: options.maxBytes ?? 1e9, now })
  const admin = openQueueAdmin({ directory, doorbell, now })
  closers.push(
    () => bus.close(),
    () => admin.close(),
  )
  const source = (subscription: Subscription, maxAttempts = 3) => {
    const opened = openSqliteSource({
      directory,
      subscription,
      doorbell,
      visibilityMs: 1000,
      maxAttempts,
      now,
      random: () => 0,
    })
    closers.push(() => opened.close())
    return opened
  }
  return { bus, admin, source }
}

function message(digest: string, options: { spans?: number; project?: string; size?: number } = {}): Message {
  return {
    data: new Uint8Array(options.size ?? 10).fill(7),
    attributes: {
      project: options.project ?? 'p',
      digest,
      spans: options.spans ?? 1,
      ingestedAt: '1',
      traceparent: '',
    },
  }
}

/** Pulls what is due now, without waiting. */
async function due(
  source: ReturnType<ReturnType<typeof start>['source']>,
  bounds: { maxMessages?: number; maxBytes?: number } = {},
) {
  return source.pull({ maxMessages: 100, maxBytes: 1e9, lingerMs: 0, signal: AbortSignal.abort(), ...bounds })
}

function settleAll(deliveries: readonly Delivery[], outcome: Outcome): Map<string, Outcome> {
  return new Map(deliveries.map(({ id }) => [id, outcome]))
}

async function publish(bus: Bus, ...digests: string[]) {
  await bus.publish(
    'spans',
    digests.map((digest) => message(digest)),
  )
}

test('every subscription of a topic gets every message, in order, whole', async () => {
  const { bus, source } = start()
  const sent = [message('a', { spans: 3, size: 100_000 }), message('b', { size: 0 })]
  await bus.publish('priced-spans', sent)
  for (const name of ['budget', 'warehouse', 'lake'] as const) {
    const got = await due(source(name))
    expect(got.map(({ data, attributes }) => ({ data: new Uint8Array(data), attributes }))).toEqual(sent)
  }
  expect(await due(source('price'))).toEqual([])
})

test('a digest published again is not queued again and changes no count', async () => {
  const { bus, source, admin } = start()
  await publish(bus, 'a')
  await Promise.all([publish(bus, 'a'), publish(bus, 'a', 'b')])
  expect((await due(source('price'))).map(({ attributes }) => attributes.digest)).toEqual(['a', 'b'])
  expect(admin.intake('p').accepted).toBe(2n)
})

test('what is not settled comes back after the visibility timeout', async () => {
  const { bus, source } = start()
  const price = source('price')
  await publish(bus, 'a')
  expect(await due(price)).toHaveLength(1)
  expect(await due(price)).toHaveLength(0)
  clock += 1001
  const [again] = await due(price)
  expect(again?.attempt).toBe(2)
  await price.settle(new Map([[again?.id ?? '', ACK]]))
  clock += 10_000
  expect(await due(price)).toHaveLength(0)
})

test('a message that faults too often is dead with its reason, and replay delivers it', async () => {
  const { bus, source, admin } = start()
  const price = source('price', 3)
  await publish(bus, 'bad')
  for (let attempt = 1; attempt <= 3; attempt++) {
    const deliveries = await due(price)
    expect(deliveries.map((delivery) => delivery.attempt)).toEqual([attempt])
    await price.settle(settleAll(deliveries, { kind: 'retry', reason: 'does not fit' }))
    expect(await due(price)).toHaveLength(0)
    clock += 120_000
  }
  expect(admin.backlog('p', 'price')).toEqual({ inFlight: 0n, messages: 0, dead: { 'does not fit': 1n } })
  expect(admin.replay({ subscription: 'lake' })).toBe(0)
  expect(admin.replay({ project: 'other' })).toBe(0)
  expect(admin.replay({ subscription: 'price', project: 'p' })).toBe(1)
  const replayed = await due(price)
  expect(replayed.map(({ attributes, attempt }) => [attributes.digest, attempt])).toEqual([['bad', 1]])
  await price.settle(settleAll(replayed, ACK))
  expect(admin.backlog('p', 'price')).toEqual({ inFlight: 0n, messages: 0, dead: {} })
})

test('a broken sink never kills a message: blameless retries wait for ever', async () => {
  const { bus, source, admin } = start()
  const price = source('price', 2)
  await publish(bus, 'a')
  for (let attempt = 1; attempt <= 30; attempt++) {
    const deliveries = await due(price)
    expect(deliveries).toHaveLength(1)
    await price.settle(settleAll(deliveries, { kind: 'retry', reason: 'disk full', blameless: true }))
    clock += 120_000
  }
  expect(admin.backlog('p', 'price')).toEqual({ inFlight: 1n, messages: 1, dead: {} })
})

test('a message that failed before is delivered alone', async () => {
  const { bus, source } = start()
  const price = source('price')
  await publish(bus, 'a', 'b', 'c')
  const [a, b, c] = await due(price)
  await price.settle(
    new Map<string, Outcome>([
      [a?.id ?? '', ACK],
      [c?.id ?? '', ACK],
      [b?.id ?? '', { kind: 'retry', reason: 'x' }],
    ]),
  )
  await publish(bus, 'd')
  clock += 120_000
  const batches = [await due(price), await due(price)].map((batch) => batch.map(({ attributes }) => attributes.digest))
  expect(batches.toSorted()).toEqual([['b'], ['d']])
})

test('a message whose consumer crashes again and again is dead', async () => {
  const { bus, source, admin } = start()
  await publish(bus, 'poison')
  for (let crash = 1; crash <= 3; crash++) {
    const price = source('price', 3)
    clock += 120_000
    expect(await due(price)).toHaveLength(1)
  }
  source('price', 3)
  expect(admin.backlog('p', 'price').dead).toEqual({ 'its consumer crashed while handling it': 1n })
})

test('a crash of the whole process is no fault of the messages in flight', async () => {
  const first = start()
  await publish(first.bus, 'a')
  for (let restart = 0; restart < 20; restart++) {
    const price = first.source('price', 3)
    expect(await due(price)).toHaveLength(1)
    prepareQueue({ directory }, { subscriptions: ALL, now: clock })
  }
})

test('pulls are bounded by bytes and by count, yet a single large message always fits', async () => {
  const { bus, source } = start()
  await bus.publish(
    'spans',
    ['a', 'b', 'c', 'd'].map((digest) => message(digest, { size: 1000 })),
  )
  const price = source('price')
  expect(await due(price, { maxBytes: 10 })).toHaveLength(1)
  expect(await due(price, { maxBytes: 2500 })).toHaveLength(2)
  expect(await due(price, { maxMessages: 5 })).toHaveLength(1)
})

test('a pull waits for the first message and lingers for more', async () => {
  const doorbell = createDoorbell()
  prepareQueue({ directory }, { subscriptions: ALL, now: 0 })
  const bus = openSqliteBus({ directory, doorbell, maxBytes: 1e9 })
  const price = openSqliteSource({ directory, subscription: 'price', doorbell, visibilityMs: 1000, maxAttempts: 3 })
  closers.push(
    () => bus.close(),
    () => price.close(),
  )
  const pulled = price.pull({ maxMessages: 2, maxBytes: 1e9, lingerMs: 60_000, signal: new AbortController().signal })
  await publish(bus, 'a')
  await publish(bus, 'b')
  expect(await pulled).toHaveLength(2)
})

test('a full queue refuses with bus/full and keeps nothing of the refused', async () => {
  const { bus, source, admin } = start({ maxBytes: 0 })
  await expect(publish(bus, 'a')).rejects.toMatchObject({ code: 'bus/full' })
  expect(await due(source('price'))).toEqual([])
  expect(admin.intake('p').accepted).toBe(0n)
})

test('a queue that was full once never answered again, whatever room there was', async () => {
  const { bus, source, admin } = start({ maxBytes: 2000 })
  const large = (digest: string) => ({ ...message(digest), data: randomBytes(3000) })
  await bus.publish('spans', [large('a')])
  await expect(publish(bus, 'b')).rejects.toMatchObject({ code: 'bus/full' })
  expect(admin.intake('p').accepted).toBe(1n)
  const price = source('price')
  const deliveries = await due(price)
  expect(deliveries.map(({ attributes }) => attributes.digest)).toEqual(['a'])
  await expect(publish(bus, 'b')).rejects.toMatchObject({ code: 'bus/full' })
  await price.settle(settleAll(deliveries, ACK))
  await publish(bus, 'b')
  expect(admin.intake('p').accepted).toBe(2n)
})

test('what is queued still fills the queue after a restart', async () => {
  const first = start()
  await first.bus.publish('spans', [{ ...message('a'), data: randomBytes(3000) }])
  const second = start({ maxBytes: 2000 })
  await expect(publish(second.bus, 'b')).rejects.toMatchObject({ code: 'bus/full' })
})

test('a month of remembered digests was taken for a backlog, and nothing was accepted any more', async () => {
  const { bus, source, admin } = start({ maxBytes: 50_000 })
  const price = source('price')
  const digests = Array.from({ length: 1000 }, (_, index) => hexDigest(index))
  for (let at = 0; at < digests.length; at += 50) {
    await publish(bus, ...digests.slice(at, at + 50))
    await price.settle(settleAll(await due(price), ACK))
  }
  expect(admin.intake('p').accepted).toBe(1000n)
})

test('digests older than a month were forgotten at a start alone, and a server that ran on kept them all', async () => {
  const { bus } = start()
  const remembered = () => {
    const database = new DatabaseSync(join(directory, 'spans.db'))
    const { count } = database.prepare('SELECT count(*) AS count FROM published').get() as { count: number }
    database.close()
    return count
  }
  await publish(bus, ...Array.from({ length: 500 }, (_, index) => hexDigest(index)))
  clock += 31 * 24 * 3_600_000
  let old = 500
  for (let added = 1; old > 0; added++) {
    await publish(bus, hexDigest(1000 + added))
    const left = remembered() - added
    expect(left).toBeLessThan(old)
    // A few at a time, since clients wait.
    expect(old - left).toBeLessThanOrEqual(50)
    old = left
  }
})

test('an export sent again after an update of the server was accepted twice: its digest had been kept as text', async () => {
  const first = start()
  await publish(first.bus, hexDigest(1))
  const database = new DatabaseSync(join(directory, 'spans.db'))
  database.exec('UPDATE published SET digest = lower(hex(digest)); PRAGMA user_version = 0')
  database.close()
  const second = start()
  await publish(second.bus, hexDigest(1))
  expect(second.admin.intake('p').accepted).toBe(1n)
})

function hexDigest(index: number): string {
  return createHash('sha256').update(`${index}`).digest('hex')
}

test('a bus that was closed took publishes again, which nobody then drained', async () => {
  const { bus, admin } = start()
  await publish(bus, 'a')
  await bus.close()
  await expect(publish(bus, 'b')).rejects.toMatchObject({ code: 'bus/closed' })
  expect(admin.intake('p').accepted).toBe(1n)
})

test('a dropped subscription takes its backlog along, and no other', async () => {
  const first = start({ subscriptions: [...ALL, 'forward'] })
  await first.bus.publish('priced-spans', [message('a')])
  const second = start({ subscriptions: ALL })
  expect(await due(second.source('lake'))).toHaveLength(1)
  const third = start({ subscriptions: [...ALL, 'forward'] })
  expect(await due(third.source('forward'))).toHaveLength(0)
})

test('backlogs are told apart by project', async () => {
  const { bus, admin } = start()
  await bus.publish('spans', [message('a', { project: 'p', spans: 2 }), message('b', { project: 'q', spans: 5 })])
  expect(admin.backlog('p', 'price').inFlight).toBe(2n)
  expect(admin.backlog('q', 'price').inFlight).toBe(5n)
  expect(admin.intake('nobody')).toEqual({ accepted: 0n, rejected: {} })
})

test('refused spans are counted by reason, once an export', async () => {
  const { bus, admin } = start()
  const refused = message('a', { spans: 0 })
  const export_ = { ...refused, attributes: { ...refused.attributes, rejected: { invalid_trace_id: 2 } } }
  await bus.publish('spans', [export_])
  await bus.publish('spans', [export_])
  expect(admin.intake('p').rejected).toEqual({ invalid_trace_id: 2n })
})

test('backoff doubles, is spread, and is bounded', () => {
  expect([1, 2, 3].map((attempt) => backoffMs(attempt, 0))).toEqual([100, 200, 400])
  expect(backoffMs(1, 0.999)).toBeLessThanOrEqual(200)
  expect(backoffMs(1_000_000, 0.999)).toBeLessThanOrEqual(60_000)
})

test('law: whatever is settled how, nothing is lost and nothing acknowledged comes back', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          spans: fc.nat(9),
          outcomes: fc.array(fc.constantFrom('ack', 'retry', 'dead', 'crash', 'blameless')),
        }),
        { maxLength: 12 },
      ),
      async (plans) => {
        const { bus, source, admin } = start()
        const project = `p${clock}`
        await bus.publish(
          'spans',
          plans.map((plan, index) => message(`${project}-${index}`, { project, spans: plan.spans })),
        )
        let acked = 0
        for (let round = 0; round < 8; round++) {
          clock += 120_000
          const price = source('price', 4)
          const outcomes = new Map<string, Outcome>()
          for (const delivery of await due(price)) {
            const plan = plans[Number(delivery.attributes.digest.split('-')[1])]
            if (plan === undefined) throw new Error(`acknowledged, or of another run: ${delivery.attributes.digest}`)
            const what = plan.outcomes.shift() ?? 'retry'
            if (what === 'crash') continue
            if (what === 'ack') acked += plan.spans
            outcomes.set(
              delivery.id,
              what === 'ack'
                ? ACK
                : what === 'dead'
                  ? { kind: 'dead', reason: 'd' }
                  : { kind: 'retry', reason: 'r', blameless: what === 'blameless' },
            )
          }
          await price.settle(outcomes)
          await price.settle(outcomes)
        }
        const { inFlight, dead } = admin.backlog(project, 'price')
        const accepted = admin.intake(project).accepted
        expect(BigInt(acked) + inFlight + Object.values(dead).reduce((sum, spans) => sum + spans, 0n)).toBe(accepted)
        clock += 1e9
        for (const close of closers.splice(0).reverse()) await close()
        rmSync(directory, { recursive: true, force: true })
        directory = mkdtempSync(join(tmpdir(), 'queue-'))
      },
    ),
    { numRuns: 30 },
  )
})
