import { Firestore } from '@google-cloud/firestore'
import { afterAll, beforeAll, describe } from 'vitest'
import { canRun, type Emulator, planFirestore, startEmulator } from '../../test/emulators/emulator.ts'
import { adapterSuite } from './adapter.suite.ts'
import { openFirestoreLedger } from './firestore-ledger.ts'

const plan = planFirestore()
let emulator: Emulator
let used = 0

describe.skipIf(!canRun('Firestore', plan))('on the Firestore emulator', () => {
  beforeAll(async () => {
    emulator = await startEmulator(plan)
  })
  afterAll(() => emulator?.stop())

  const open = async (now: () => number) => {
    const firestore = new Firestore({ projectId: 'test', host: emulator.host, ssl: false })
    return openFirestoreLedger({ firestore, prefix: `budget${used++}`, now, debitEveryMs: 0 })
  }
  adapterSuite('Firestore', { open, runs: 8 })
})
