import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startServer } from '../support/server.ts'

let data: string
let other: Server | undefined

beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'spanledger-'))
})
afterEach(() => {
  other?.close()
  rmSync(data, { recursive: true, force: true })
})

/** What a server that does not start leaves on standard error; the exit code is in the error's message. */
async function failure(env: Record<string, string> = {}): Promise<string> {
  const error: unknown = await startServer({ data, env }).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(Error)
  return (error as Error).message
}

test('a price file that was not there aborted the process while a thread opened DuckDB', async () => {
  const said = await failure({ SPANLEDGER_PRICES: join(data, 'none.json') })
  expect(said).toContain('the server ended with code 1')
  expect(said).toContain('none.json cannot be read (ENOENT): set SPANLEDGER_PRICES to one that can, or to none')
  expect(said).not.toContain('terminate called')
})

test('a port that is taken ends the start in order', async () => {
  other = createServer()
  await new Promise<void>((resolve) => other?.listen(0, '127.0.0.1', resolve))
  const { port } = other.address() as { port: number }
  const said = await failure({ PORT: String(port) })
  expect(said).toContain('the server ended with code 1')
  expect(said).toContain('set PORT to another')
  expect(said).not.toContain('terminate called')
})

test('a level of logs that is none ended the start in a stack', async () => {
  const said = await failure({ SPANLEDGER_LOG_LEVEL: 'loud' })
  expect(said).toContain('could not start: config: SPANLEDGER_LOG_LEVEL: must be debug')
  expect(said).not.toMatch(/^\s+at /m)
})

test('a damaged trace store was told without what to do', async () => {
  writeFileSync(join(data, 'warehouse.duckdb'), 'no database')
  const said = await failure()
  expect(said).toContain('the server ended with code 1')
  expect(said).toContain('npm run rebuild')
  expect(said).not.toContain('terminate called')
})
