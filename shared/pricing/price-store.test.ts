import { Firestore } from '@google-cloud/firestore'
import { afterAll, beforeAll, describe } from 'vitest'
import { canRun, type Emulator, planFirestore, startEmulator } from '../../test/emulators/emulator.ts'
import { openFirestorePriceStore } from './firestore-price-store.ts'
import { describePriceStore } from './price-store.suite.ts'
import { openSqlitePriceStore } from './sqlite-price-store.ts'

describePriceStore('SQLite', async () => openSqlitePriceStore(':memory:'))

const plan = planFirestore()
describe.skipIf(!canRun('Firestore', plan))('on the Firestore emulator', () => {
  let emulator: Emulator
  let used = 0
  beforeAll(async () => {
    emulator = await startEmulator(plan)
  })
  afterAll(() => emulator?.stop())

  describePriceStore('Firestore', async () => {
    const firestore = new Firestore({ projectId: 'test', host: emulator.host, ssl: false })
    return openFirestorePriceStore({ firestore, collection: `prices${used++}` })
  })
})
