import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createParquetFormat } from './parquet-format.ts'
import { hexId, testSpan } from './test-spans.ts'

const SCOPE = { drop: new Set<string>(), corrections: [] }

test('a merger goes on after a merge that failed, and leaves nothing behind', async () => {
  const scratch = await mkdtemp(join(tmpdir(), 'merger-'))
  const format = createParquetFormat({ scratch })
  const context = { project: 'p', digest: 'a', ingestedAt: 0n }
  const rows = [3, 1, 2].map((id) => ({ priced: testSpan({ spanId: hexId(id, 16) }), context }))
  const whole = { name: 'whole', read: async () => format.encode(rows, { digests: [], projects: {} }) }
  const damaged = { name: 'damaged', read: async () => Buffer.alloc(100, 'PAR1') }
  const gone = { name: 'gone', read: () => Promise.reject(new Error('no such object')) }
  const merger = format.openMerger()
  const merge = async () => {
    const { parts, rows, close } = await merger.merge([whole], SCOPE)
    const data = await Promise.all(parts.map((read) => read()))
    await close()
    return { data, rows }
  }
  try {
    const first = await merge()
    expect(first.rows).toStrictEqual(new Map([['p', 3]]))
    expect(await merge()).toStrictEqual(first)
    await expect(merger.merge([whole, damaged], SCOPE)).rejects.toThrow('damaged cannot be read')
    await expect(merger.merge([whole, gone], SCOPE)).rejects.toThrow('no such object')
    expect(await merge()).toStrictEqual(first)
    await merger.close()
    expect(await readdir(scratch)).toStrictEqual([])
  } finally {
    await rm(scratch, { recursive: true })
  }
})
