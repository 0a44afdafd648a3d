import { Firestore } from '@google-cloud/firestore'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { canRun, type Emulator, planFirestore, startEmulator } from '../../test/emulators/emulator.ts'
import { openFirestoreTraceState } from './firestore-trace-state.ts'
import { describeTraceState } from './trace-state.suite.ts'

const plan = planFirestore()
let emulator: Emulator
let used = 0

describe.skipIf(!canRun('Firestore', plan))('on the Firestore emulator', () => {
  beforeAll(async () => {
    emulator = await startEmulator(plan)
  })
  afterAll(() => emulator?.stop())

  const connect = () => new Firestore({ projectId: 'test', host: emulator.host, ssl: false })

  describeTraceState('Firestore', async () =>
    openFirestoreTraceState({ firestore: connect(), collection: `traces${used++}` }),
  )

  test('transactions of one instance on one trace locked each other out, for seconds, and were all tried again', async () => {
    const firestore = connect()
    const run = firestore.runTransaction.bind(firestore)
    let tries = 0
    firestore.runTransaction = (work, options) =>
      run((transaction) => {
        tries++
        return work(transaction)
      }, options)
    const state = openFirestoreTraceState({ firestore, collection: `traces${used++}` })
    const key = { project: 'p', traceId: 'aa'.repeat(16) }
    const entry = (digest: string) => ({ digest, links: new Map(), usages: [], corrections: [] })
    const append = (digest: string) =>
      state.transact([key], (known) => ({ append: [{ ...key, entry: entry(digest) }], result: known(key).length }))
    expect(await Promise.all(['a', 'b', 'c', 'd'].map(append))).toStrictEqual([0, 1, 2, 3])
    expect(tries).toBe(4)
    await state.close()
  })
})
