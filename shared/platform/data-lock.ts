import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { makeDataDirectory, refuseDirectory, unusableDirectory } from './data-directory.ts'

/**
 * Takes the data directory for this process; the operating system gives it back when the process ends, however it ends.
 * Throws `config/invalid` when another process has it, or it can be no directory of ours.
 */
export function lockDataDirectory(directory: string): { release(): void } {
  const database = openLock(directory)
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    throw isBusy(error)
      ? refuseDirectory(`${directory} is in use by another process; stop it, or set`, error)
      : unusableDirectory(directory, error)
  }
  return { release: () => database.close() }
}

function openLock(directory: string): DatabaseSync {
  makeDataDirectory(directory)
  try {
    return new DatabaseSync(join(directory, 'lock.sqlite'), { timeout: 0 })
  } catch (error) {
    throw unusableDirectory(directory, error)
  }
}

const SQLITE_BUSY = 5

function isBusy(error: unknown): boolean {
  return (error as { errcode?: number }).errcode === SQLITE_BUSY
}
