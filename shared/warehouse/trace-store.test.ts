import { openDuckDbStore } from './duckdb-store.ts'
import { openSqliteStore } from './sqlite-store.ts'
import { traceStoreSuite } from './trace-store.suite.ts'

traceStoreSuite('DuckDB', () => openDuckDbStore({ path: ':memory:', seenKeysBytes: 4096, spansAtOnce: 3 }))
traceStoreSuite('SQLite', () => openSqliteStore({ path: ':memory:' }))
