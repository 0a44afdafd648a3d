import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { adapterSuite } from './adapter.suite.ts'
import { batchOf, debit, NOON, termsOf } from './ledger.fixtures.ts'
import { openSqliteLedger } from './sqlite-ledger.ts'

const open = async (now: () => number) => openSqliteLedger({ path: ':memory:', now })
adapterSuite('SQLite', { open, runs: 60 })

test('two connections to one file see each other’s budgets and debits', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'spanledger-budgets-'))
  try {
    const options = { path: join(directory, 'budgets.sqlite'), now: () => NOON }
    const [api, worker] = [openSqliteLedger(options), openSqliteLedger(options)]
    await api.put('p', 'b', termsOf(), '')
    await debit(worker, 'm1', [{ trace: 1, span: 1, at: NOON, amounts: { usd: 5n } }])
    await api.put('p', 'c', termsOf(), '')
    await debit(worker, 'm2', [{ trace: 1, span: 2, at: NOON, amounts: { usd: 6n } }])
    expect((await api.get('p', 'b')).position.spent).toBe(11n)
    expect((await api.get('p', 'c')).position.spent).toBe(6n)
    await Promise.all([api.close(), worker.close()])
    const again = openSqliteLedger(options)
    expect((await again.get('p', 'b')).position.spent).toBe(11n)
    await again.close()
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})

test('a transaction that the file breaks off is neither a free call nor two (lessons: budgets 4)', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'spanledger-budgets-'))
  const path = join(directory, 'budgets.sqlite')
  const ledger = openSqliteLedger({ path, now: () => NOON })
  const file = new DatabaseSync(path)
  try {
    await ledger.put('p', 'b', termsOf({ limit: 10n, thresholds: [0.5] }), '')
    const spans = [{ trace: 1, span: 1, at: NOON, amounts: { usd: 6n } }]
    for (const table of ['digests', 'span_claims', 'entries', 'alerts']) {
      file.exec(`CREATE TRIGGER broken BEFORE INSERT ON ${table} BEGIN SELECT RAISE(ABORT, 'broken off'); END`)
      await expect(debit(ledger, 'm', spans)).rejects.toMatchObject({ code: 'store/unavailable' })
      file.exec('DROP TRIGGER broken')
      expect((await ledger.get('p', 'b')).position.spent).toBe(0n)
    }
    expect(await debit(ledger, 'm', spans)).toBe('debited')
    expect(await debit(ledger, 'm', spans)).toBe('duplicate')
    expect((await ledger.get('p', 'b')).position.spent).toBe(6n)
    expect(await ledger.dueAlerts(10)).toHaveLength(1)
  } finally {
    file.close()
    await ledger.close()
    rmSync(directory, { recursive: true, force: true })
  }
})

test('a file that cannot be opened is told without its path', () => {
  expect(() => openSqliteLedger({ path: '/dev/null/x.sqlite' })).toThrow(
    expect.objectContaining({ code: 'store/unavailable', message: expect.not.stringContaining('/dev') }),
  )
})

test('a file whose claims were kept by the day is opened, and goes on', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'spanledger-budgets-'))
  const path = join(directory, 'budgets.sqlite')
  const file = new DatabaseSync(path)
  file.exec(
    'CREATE TABLE claims (day INTEGER, balance INTEGER, trace BLOB, spans BLOB, PRIMARY KEY (day, balance, trace))',
  )
  file.close()
  const ledger = openSqliteLedger({ path, now: () => NOON })
  await ledger.put('p', 'b', termsOf(), '')
  await debit(ledger, 'm', [{ trace: 1, span: 1, at: NOON, amounts: { usd: 5n } }])
  expect((await ledger.get('p', 'b')).position.spent).toBe(5n)
  await ledger.close()
  rmSync(directory, { recursive: true, force: true })
})

test('old spans that a backfill has counted are remembered until it is whole', async () => {
  let now = NOON
  const ledger = openSqliteLedger({ path: ':memory:', now: () => now })
  await ledger.put('p', 'b', termsOf({ period: 'total' }), '')
  const old = { trace: 1, span: 1, at: NOON - 20 * 86_400_000, amounts: { usd: 5n } }
  const { charges } = await batchOf(ledger, 'p', 'm', [old])
  const fill = async () => {
    await ledger.backfill('p', 'b', charges)
    now += 2_000
    await debit(ledger, `m${now}`, [])
  }
  await fill()
  await fill()
  await fill()
  expect((await ledger.get('p', 'b')).position.spent).toBe(5n)
  await ledger.close()
})
