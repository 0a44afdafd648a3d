import { Firestore } from '@google-cloud/firestore'
import { afterAll, beforeAll, describe } from 'vitest'
import { canRun, type Emulator, planFirestore, startEmulator } from '../../test/emulators/emulator.ts'
import { openFirestoreTraceState } from './firestore-trace-state.ts'
import { describeTraceState } from './trace-state.suite.ts'

const plan = planFirestore()
let emulator: Emulator
let used = 0

describe.skipIf(!canRun('Firestore', plan))('on the Firestore emulator', () => {
  beforeAll(async () => {
    emulator = await startEmulator(plan)
  }, 40_000)
  afterAll(() => emulator?.stop())

  describeTraceState('Firestore', async () => {
    const firestore = new Firestore({ projectId: 'test', host: emulator.host, ssl: false })
    return openFirestoreTraceState({ firestore, collection: `traces${used++}` })
  })
})
