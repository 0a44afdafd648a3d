import { Firestore } from '@google-cloud/firestore'
import { describe, expect, test } from 'vitest'
import { canRun, planFirestore, startEmulator } from '../../test/emulators/emulator.ts'
import { openFirestoreLedger } from './firestore-ledger.ts'
import { simulate, type World } from './ledger.simulation.ts'
import { openSqliteLedger } from './sqlite-ledger.ts'

/** How many schedules are played; more by `SPANLEDGER_SCHEDULES`. The seeds go on from `SPANLEDGER_SEED`. */
const SCHEDULES = Number(process.env.SPANLEDGER_SCHEDULES ?? 600)
const FIRESTORE_SCHEDULES = Number(process.env.SPANLEDGER_FIRESTORE_SCHEDULES ?? 10)
const SEED = Number(process.env.SPANLEDGER_SEED ?? 1)
/** A ledger is opened anew after so many schedules, so that it stays small. */
const PER_LEDGER = 500

async function play(
  open: (clock: World['clock']) => World['ledger'],
  schedules: number,
  checkEvery = 1,
): Promise<void> {
  const clock = { now: 0 }
  let ledger = open(clock)
  const total = { admitted: 0, denied: 0 }
  for (let seed = SEED; seed < SEED + schedules; seed++) {
    if (seed > SEED && seed % PER_LEDGER === 0) {
      await ledger.close()
      ledger = open(clock)
    }
    try {
      const { admitted, denied } = await simulate({ ledger, clock, checkEvery }, seed)
      total.admitted += admitted
      total.denied += denied
    } catch (error) {
      throw new Error(`schedule ${seed} fails: run it alone with SPANLEDGER_SEED=${seed} SPANLEDGER_SCHEDULES=1`, {
        cause: error,
      })
    }
  }
  await ledger.close()
  expect(total.admitted).toBeGreaterThan(schedules)
  expect(total.denied).toBeGreaterThan(schedules / 10)
  if (schedules > 1_000) process.stderr.write(`${schedules} schedules: ${JSON.stringify(total)}\n`)
}

/** A client whose every write may end as if the process had: before it is carried out, or after. */
function breaking(firestore: Firestore): Firestore {
  let writes = 0
  const cut = <T>(write: () => Promise<T>) => {
    const fate = (Math.imul(++writes, 2_654_435_761) >>> 16) % 16
    if (fate === 0) return Promise.reject(new Error('cut before'))
    return fate === 1 ? write().then(() => Promise.reject(new Error('cut after'))) : write()
  }
  const batch = firestore.batch.bind(firestore)
  firestore.batch = () => {
    const made = batch()
    const commit = made.commit.bind(made)
    made.commit = () => cut(commit)
    return made
  }
  const collection = firestore.collection.bind(firestore)
  firestore.collection = (path) => {
    const made = collection(path)
    const doc = made.doc.bind(made)
    made.doc = (...name: string[]) => {
      const ref = doc(...(name as [string]))
      const create = ref.create.bind(ref)
      ref.create = (data) => cut(() => create(data))
      return ref
    }
    return made
  }
  return firestore
}

const MINUTES_MS = 60 * 60_000

test(`${SCHEDULES} schedules of crashes, retries, skew and roll-over on SQLite`, { timeout: MINUTES_MS }, () =>
  play((clock) => openSqliteLedger({ path: ':memory:', now: () => clock.now }), SCHEDULES),
)

const plan = planFirestore()
describe.skipIf(!canRun('Firestore', plan))('on the Firestore emulator', () => {
  test(`${FIRESTORE_SCHEDULES} schedules`, { timeout: MINUTES_MS }, async () => {
    const emulator = await startEmulator(plan)
    try {
      const open = (clock: World['clock']) =>
        openFirestoreLedger({
          firestore: breaking(new Firestore({ projectId: 'simulation', host: emulator.host, ssl: false })),
          now: () => clock.now,
          debitEveryMs: 0,
        })
      await play(open, FIRESTORE_SCHEDULES, 5)
    } finally {
      await emulator.stop()
    }
  })
})
