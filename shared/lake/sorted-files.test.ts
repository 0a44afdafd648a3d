import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { consumeSorted } from './sorted-files.ts'

const root = mkdtempSync(join(tmpdir(), 'sorted-'))
let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(root, 'merge-'))
})
afterAll(() => rmSync(root, { recursive: true }))

/** Begins files of a range, in order, and ends when it is told to. */
function createWriter() {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const started = Promise.withResolvers<void>()
  let output = ''
  let files = 0
  return {
    sort: (_range: string, path: string) => {
      mkdirSync(path)
      output = path
      started.resolve()
      return promise
    },
    started: started.promise,
    begin: () => writeFileSync(join(output, `data_${files++}.parquet`), ''),
    end: resolve,
    fail: reject,
  }
}

test('a file is given out when the next but one is begun, the last ones when all is written', async () => {
  const writer = createWriter()
  const given: string[] = []
  const consumed = consumeSorted(directory, writer.sort, async (files) => {
    for await (const path of files) {
      given.push(basename(path))
      rmSync(path)
    }
  })
  await writer.started
  writer.begin()
  writer.begin()
  await sleep(20)
  expect(given).toStrictEqual([])
  writer.begin()
  await expect.poll(() => given).toStrictEqual(['data_0.parquet'])
  writer.begin()
  await expect.poll(() => given).toStrictEqual(['data_0.parquet', 'data_1.parquet'])
  writer.end()
  await consumed
  expect(given).toStrictEqual([0, 1, 2, 3].map((index) => `data_${index}.parquet`))
})

test('what was made of files is thrown away when memory does not suffice for those behind', async () => {
  const outputs: string[] = []
  const sort = async (_range: string, output: string) => {
    mkdirSync(output)
    writeFileSync(join(output, 'data_0.parquet'), '')
    outputs.push(output)
    if (outputs.length === 3) throw new Error('Out of Memory Error: failed to allocate')
    if (outputs.length === 1) throw new Error('Out of Memory Error: failed to pin')
  }
  const made: string[] = []
  const consume = async (files: AsyncIterable<string>, to: string) => {
    const own = join(to, 'packed.parquet')
    writeFileSync(own, '')
    made.push(own)
    let count = 0
    for await (const _ of files) count++
    return count
  }
  expect(await consumeSorted(directory, sort, consume)).toBe(256)
  expect(made.map((path) => existsSync(path))).toStrictEqual([false, false, true])
  expect(outputs.slice(0, 3).some((path) => existsSync(path))).toBe(false)
})

test('a failure of sorting is the failure of all, and none of its files counts as whole', async () => {
  const writer = createWriter()
  const given: string[] = []
  const consumed = consumeSorted(directory, writer.sort, async (files) => {
    for await (const path of files) given.push(path)
  })
  await writer.started
  writer.begin()
  writer.fail(new Error('the disk is full'))
  await expect(consumed).rejects.toThrow('the disk is full')
  expect(given).toStrictEqual([])
})

test('who consumes fails only once nothing is written any more', async () => {
  const writer = createWriter()
  let failed = false
  const consumed = consumeSorted(directory, writer.sort, async (files) => {
    for await (const path of files) throw new Error(`${basename(path)} is damaged`)
  }).catch((error: Error) => {
    failed = true
    return error.message
  })
  await writer.started
  for (let count = 0; count < 3; count++) writer.begin()
  await sleep(20)
  expect(failed).toBe(false)
  writer.end()
  expect(await consumed).toBe('data_0.parquet is damaged')
})
