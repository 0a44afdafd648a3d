// Runs one SQL query in a process of its own, as any user of DuckDB would; writes its rows as JSON.
import { DuckDBInstance } from '@duckdb/node-api'

const instance = await DuckDBInstance.create(':memory:')
const connection = await instance.connect()
const reader = await connection.runAndReadAll(process.argv[2]!)
process.stdout.write(JSON.stringify(reader.getRowObjectsJson()))
