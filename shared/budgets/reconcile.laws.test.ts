import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openDuckDbStore } from '../warehouse/duckdb-store.ts'
import { openSqliteStore } from '../warehouse/sqlite-store.ts'
import type { TraceStore } from '../warehouse/trace-store.ts'
import { type ReconcileTarget, reconcileSuite } from './reconcile.suite.ts'
import { openSqliteLedger } from './sqlite-ledger.ts'

async function open(
  now: () => number,
  openStore: (directory: string) => Promise<TraceStore>,
): Promise<ReconcileTarget> {
  const directory = mkdtempSync(join(tmpdir(), 'spanledger-reconcile-'))
  const path = join(directory, 'budgets.sqlite')
  const ledger = openSqliteLedger({ path, now })
  const store = await openStore(directory)
  const file = new DatabaseSync(path)
  return {
    ledger,
    store,
    async falsify(project, budget, bucket, amount) {
      const { ref } = file.prepare('SELECT ref FROM budgets WHERE project = ? AND id = ?').get(project, budget) as {
        ref: number
      }
      const debited = file.prepare(
        "UPDATE entries SET amount = amount + ? WHERE budget = ? AND kind = 'debited' AND bucket = ?",
      )
      debited.run(amount, ref, bucket)
      file.prepare('UPDATE balances SET spent = spent + ? WHERE budget = ? AND start = ?').run(amount, ref, bucket)
    },
    async close() {
      file.close()
      await Promise.all([ledger.close(), store.close()])
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

reconcileSuite('SQLite and SQLite', { runs: 40, open: (now) => open(now, () => openSqliteStore({ path: ':memory:' })) })
reconcileSuite('SQLite and DuckDB', {
  runs: 8,
  open: (now) => open(now, (directory) => openDuckDbStore({ path: join(directory, 'warehouse.duckdb') })),
})
