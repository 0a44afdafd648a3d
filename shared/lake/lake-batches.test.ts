import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { LAKE_COLUMNS } from '../spans/columns.ts'
import { readLakeBatches } from './lake-batches.ts'
import { createParquetFormat } from './parquet-format.ts'
import { testBatch, testSpan } from './test-spans.ts'

let scratch: string
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'spanledger-batches-'))
})
afterEach(() => rmSync(scratch, { recursive: true, force: true }))

/** A file at `name` of one message. */
function writeLakeFile(name: string, digest: string, keyId: string): string {
  const { context, spans } = testBatch(digest, [testSpan({ attributes: { digest } })])
  const rows = spans.map((priced) => ({ priced, context: { ...context, keyId } }))
  const path = join(scratch, name)
  writeFileSync(path, createParquetFormat().encode(rows, { digests: [digest], projects: {} }))
  return path
}

/** The file as it was before its last column was there. */
async function withoutLastColumn(path: string): Promise<string> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  const older = `${path}.older.parquet`
  await connection.run(
    `COPY (SELECT * EXCLUDE ("${LAKE_COLUMNS.at(-1)!.lake}") FROM '${path}') TO '${older}' (FORMAT parquet)`,
  )
  connection.closeSync()
  return older
}

test('a lake of files from before a column was added could not be rebuilt from', async () => {
  const older = await withoutLastColumn(writeLakeFile('a.parquet', 'd1', 'k1'))
  const newer = writeLakeFile('b.parquet', 'd2', 'k2')
  for (const [paths, senders] of [
    [[older], [undefined]],
    [
      [older, newer],
      [undefined, 'k2'],
    ],
  ] as const) {
    const batches = (await Array.fromAsync(readLakeBatches(paths, { scratch }))).flat()
    expect(batches.map(({ context }) => context.keyId)).toStrictEqual([...senders])
    expect(batches.map(({ spans }) => spans[0]?.span.attributes.get('digest'))).toStrictEqual(
      ['d1', 'd2'].slice(0, paths.length),
    )
  }
})
