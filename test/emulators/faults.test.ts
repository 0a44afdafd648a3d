import { randomBytes } from 'node:crypto'
import { stat } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SpanledgerError } from '../../shared/errors.ts'
import { canRun, planFirestore, planPubsub } from './emulator.ts'
import { GRPC_FAULTS, HTTP_FAULTS, startFaultyClients } from './faulty-clients.ts'

const plans = [canRun('Pub/Sub', planPubsub()), canRun('Firestore', planFirestore())]

/** Of a transaction, which waits a second before it is tried again: those that differ in what its client makes of them. */
const FEW_FAULTS = ['UNAVAILABLE, though done', 'DEADLINE_EXCEEDED, though done', 'ABORTED']

/** Which faults each client is put through: first one at a time, then without end. */
const MATRIX: readonly (readonly [client: string, faults: readonly string[]])[] = [
  ['a publish to Pub/Sub', GRPC_FAULTS],
  ['an acknowledgement to Pub/Sub', GRPC_FAULTS],
  ['an insert into BigQuery', HTTP_FAULTS],
  ['a put into Cloud Storage', HTTP_FAULTS],
  ['a key made in Firestore', GRPC_FAULTS],
  ['a key revoked in Firestore', GRPC_FAULTS],
  ['a key read from Firestore', GRPC_FAULTS],
  ['prices set in Firestore', FEW_FAULTS],
  ['what is remembered of a trace, in Firestore', FEW_FAULTS],
  ['a debit in Firestore', GRPC_FAULTS],
  ['a message that charges no budget, in Firestore', GRPC_FAULTS],
  ['a reservation in Firestore', GRPC_FAULTS],
]
/** Whatever is not there for as long as a deed lasts is asked for no more often than this. */
const MOST_CALLS = 20

describe.skipIf(plans.includes(false))('when a service fails', () => {
  let services: Awaited<ReturnType<typeof startFaultyClients>>
  beforeAll(async () => {
    services = await startFaultyClients()
  })
  afterAll(() => services?.stop())

  /** Does something again for as long as it is told, by an error of the port's own, that there was no answer. */
  async function persist<T>(work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work()
      } catch (error) {
        if (!(error instanceof SpanledgerError) || !error.code.endsWith('/unavailable') || attempt > 20) throw error
      }
    }
  }

  test('exports that are large together go to Pub/Sub in requests that it takes', async () => {
    services.clients['a publish to Pub/Sub']!.inject('UNAVAILABLE', 0)
    const large = (digit: string, size: number) => ({
      data: randomBytes(size),
      attributes: { project: 'p', digest: digit.repeat(64), spans: 1, ingestedAt: '1', traceparent: '' },
    })
    const first = services.bus.publish('budget-alerts', [large('a', 900_000)])
    await new Promise(setImmediate)
    // As a server publishes: when a request has come, which is before timers are looked at.
    await new Promise((resolve) => stat('/', resolve))
    const second = services.bus.publish('budget-alerts', [large('b', 8 * 1024 * 1024), large('c', 1_000_000)])
    await Promise.all([first, second])
    expect(services.published().length).toBeGreaterThan(1)
    for (const bytes of services.published()) expect(bytes).toBeLessThan(10_000_000)
  })

  describe.each(MATRIX)('%s', (name, faults) => {
    test.each(faults)('is done once, with %s', async (fault) => {
      const client = services.clients[name]!
      const deed = await persist(() => client.deed())
      client.inject(fault, 1)
      await persist(() => deed.act())
      services.heal()
      expect(await persist(() => deed.held())).toStrictEqual(deed.expected)
    })

    test('is given up after few calls while nothing answers, and done once when it is asked for again', async () => {
      const client = services.clients[name]!
      const deed = await persist(() => client.deed())
      client.inject(faults[0]!, Number.POSITIVE_INFINITY)
      await expect(deed.act()).rejects.toMatchObject({ code: expect.stringMatching(/unavailable$/) })
      expect(client.calls()).toBeLessThanOrEqual(MOST_CALLS)
      services.heal()
      await persist(() => deed.act())
      expect(await persist(() => deed.held())).toStrictEqual(deed.expected)
    })
  })
})
