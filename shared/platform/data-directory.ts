import { mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { describeError, SpanledgerError } from '../errors.ts'

/**
 * Makes the data directory where it is missing, and those above it. Throws `config/invalid` where it can be none. On return all below
 * it can be made by `mkdir` with `recursive`, which never comes back from a directory that takes none, such as `/proc`.
 */
export function makeDataDirectory(directory: string): void {
  try {
    make(resolve(directory))
  } catch (error) {
    throw unusableDirectory(directory, error)
  }
}

/** That `directory` can be no data directory, and what to do. */
export function unusableDirectory(directory: string, cause: unknown): SpanledgerError {
  return refuseDirectory(`${directory} cannot be used (${describeError(cause)}); set`, cause)
}

/** `why` ends in what to do with SPANLEDGER_DATA. */
export function refuseDirectory(why: string, cause: unknown): SpanledgerError {
  return new SpanledgerError('config/invalid', `the data directory ${why} SPANLEDGER_DATA to another directory`, {
    cause,
  })
}

function make(path: string): void {
  if (isDirectory(path)) return
  if (dirname(path) !== path) make(dirname(path))
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    // Another process may have been faster.
    if (!isDirectory(path)) throw error
  }
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}
