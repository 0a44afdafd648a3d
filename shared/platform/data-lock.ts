import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describeError, SpanledgerError } from '../errors.ts'

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
      ? refuse(`${directory} is in use by another process; stop it, or set`, error)
      : unusable(directory, error)
  }
  return { release: () => database.close() }
}

function openLock(directory: string): DatabaseSync {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    return new DatabaseSync(join(directory, 'lock.sqlite'), { timeout: 0 })
  } catch (error) {
    throw unusable(directory, error)
  }
}

const SQLITE_BUSY = 5

function isBusy(error: unknown): boolean {
  return (error as { errcode?: number }).errcode === SQLITE_BUSY
}

function unusable(directory: string, error: unknown): SpanledgerError {
  return refuse(`${directory} cannot be used (${describeError(error)}); set`, error)
}

function refuse(why: string, cause: unknown): SpanledgerError {
  return new SpanledgerError('config/invalid', `the data directory ${why} SPANLEDGER_DATA to another directory`, {
    cause,
  })
}
