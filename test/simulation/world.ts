import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Firestore } from '@google-cloud/firestore'
import { openFirestoreLedger } from '../../shared/budgets/firestore-ledger.ts'
import type { BudgetLedger } from '../../shared/budgets/ledger.ts'
import { openSqliteLedger } from '../../shared/budgets/sqlite-ledger.ts'
import { planFirestore, startEmulator } from '../emulators/emulator.ts'
import { breakOff } from './break-off.ts'

/** Several instances of a ledger on one store, and their clock. */
export interface World {
  readonly clock: { now: number }
  /** One of the instances, in turn. */
  ledger(): BudgetLedger
  /** One instance begins anew, knowing nothing. */
  restart(): Promise<void>
  /** Ledger and model are compared after so many moments each, besides every answer. */
  readonly checkEvery: number
  close(): Promise<void>
}

export const INSTANCES = 2

/** A file in memory, where there is one: what it costs to wait for a disk is not what is simulated. */
const DIRECTORY = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

/** Two connections to one file. */
export async function createSqliteWorld(): Promise<World> {
  const clock = { now: 0 }
  const directory = mkdtempSync(join(DIRECTORY, 'spanledger-simulation-'))
  const path = join(directory, 'budgets.sqlite')
  const close = async () => rmSync(directory, { recursive: true, force: true })
  return createWorld({ clock, open: () => openSqliteLedger({ path, now: () => clock.now }), checkEvery: 1, close })
}

/** Two clients of Google's emulator, whose calls are broken off at any await. Throws where there is no emulator. */
export async function createFirestoreWorld(): Promise<World> {
  const clock = { now: 0 }
  const emulator = await startEmulator(planFirestore())
  const open = () => {
    const firestore = new Firestore({ projectId: 'simulation', host: emulator.host, ssl: false })
    return openFirestoreLedger({ firestore: breakOff(firestore), now: () => clock.now, debitEveryMs: 0 })
  }
  return createWorld({ clock, open, checkEvery: 5, close: () => emulator.stop() })
}

function createWorld({
  clock,
  open,
  checkEvery,
  close,
}: Pick<World, 'clock' | 'checkEvery' | 'close'> & { readonly open: () => BudgetLedger }): World {
  const ledgers = Array.from({ length: INSTANCES }, open)
  let turn = 0
  return {
    clock,
    checkEvery,
    ledger: () => ledgers[turn++ % INSTANCES] as BudgetLedger,
    async restart() {
      const index = turn++ % INSTANCES
      await ledgers[index]?.close()
      ledgers[index] = open()
    },
    async close() {
      await Promise.all(ledgers.map((ledger) => ledger.close()))
      await close()
    },
  }
}
