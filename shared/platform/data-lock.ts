import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { SpanledgerError } from '../errors.ts'

/**
 * Takes the data directory for this process; the operating system gives it back when the process ends, however it ends.
 * Throws `config/invalid` when another process has it.
 */
export function lockDataDirectory(directory: string): { release(): void } {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const database = new DatabaseSync(join(directory, 'lock.sqlite'), { timeout: 0 })
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (cause) {
    database.close()
    throw new SpanledgerError(
      'config/invalid',
      `the data directory ${directory} is in use by another process; stop it, or set SPANLEDGER_DATA to another directory`,
      { cause },
    )
  }
  return { release: () => database.close() }
}
