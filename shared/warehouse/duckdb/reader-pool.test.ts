import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createReaderPool } from './reader-pool.ts'

/** Takes minutes. */
const ENDLESS = 'SELECT count(*) FROM range(1_000_000_000) a, range(1_000) b WHERE a.range * b.range % 7 = 3'
const endless = (connection: DuckDBConnection) => connection.runAndReadAll(ENDLESS)
const quick = async (connection: DuckDBConnection) => (await connection.runAndReadAll('SELECT 42')).getRows()[0]?.[0]

let instance: DuckDBInstance
let connections: DuckDBConnection[]
beforeEach(async () => {
  instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  connections = [await instance.connect(), await instance.connect()]
})
afterEach(() => {
  for (const connection of connections) connection.closeSync()
  instance.closeSync()
})

test('a query whose asker had long gone ran to its end, and those behind it waited', async () => {
  const pool = createReaderPool(connections.slice(0, 1), { queryMs: 100 })
  const asked = [endless, endless, endless].map((task) => pool.read(task).catch((error: unknown) => error))
  expect(await Promise.all(asked)).toMatchObject([
    { code: 'query/invalid', message: expect.stringContaining('ask for less time') },
    { code: 'query/busy' },
    { code: 'query/busy' },
  ])
  expect(await pool.read(quick)).toBe(42)
})

test('a query that had hardly begun was told to ask for less, where it had waited for others', async () => {
  const pool = createReaderPool(connections.slice(0, 1), { queryMs: 400 })
  const first = pool.read(endless).catch((error: unknown) => error)
  await new Promise((resolve) => setTimeout(resolve, 100))
  const second = pool.read(endless).catch((error: unknown) => error)
  expect(await first).toMatchObject({ code: 'query/invalid' })
  expect(await second).toMatchObject({ code: 'query/busy' })
})

test('what came after a long query waited for it while another connection had nothing to do', async () => {
  const pool = createReaderPool(connections, { queryMs: 60_000 })
  const long = pool.read(endless).catch((error: unknown) => error)
  for (let n = 0; n < 4; n++) expect(await pool.read(quick)).toBe(42)
  await pool.close()
  expect(await long).toMatchObject({ code: 'store/unavailable' })
})

test('a stop waited for a long query until its thread was broken off, which DuckDB does not survive', async () => {
  const pool = createReaderPool(connections, { queryMs: 60_000 })
  const asked = [endless, endless, endless].map((task) => pool.read(task).catch((error: unknown) => error))
  await pool.close()
  for (const error of await Promise.all(asked)) expect(error).toMatchObject({ code: 'store/unavailable' })
  await expect(pool.read(quick)).rejects.toMatchObject({ code: 'store/unavailable' })
})

test('what a task itself throws is told as it is, and the connection is used again', async () => {
  const pool = createReaderPool(connections.slice(0, 1), { queryMs: 60_000 })
  const broken = pool.read((connection) => connection.run('SELECT nothing'))
  await expect(broken).rejects.toThrow('nothing')
  expect(await pool.read(quick)).toBe(42)
})
