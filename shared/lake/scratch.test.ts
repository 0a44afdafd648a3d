import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { openScratch } from './scratch.ts'

const parent = mkdtempSync(join(tmpdir(), 'scratch-'))
afterAll(() => rmSync(parent, { recursive: true }))

function leave(name: string): string {
  const path = join(parent, name)
  mkdirSync(path)
  writeFileSync(join(path, 'input.parquet'), 'rows')
  return path
}

test('what a killed process left is removed, and nothing else', async () => {
  const { pid: dead } = spawnSync(process.execPath, ['-e', '0'])
  const killed = leave(`merge-${hostname()}-${dead}-abc`)
  const before = leave(`merge-${hostname()}-${process.pid}-abc`)
  const kept = [
    leave(`merge-${hostname()}-${process.ppid}-abc`),
    leave(`merge-another-host-${dead}-abc`),
    leave(`merger-${hostname()}-${dead}-abc`),
    leave('merge'),
  ]
  const first = await openScratch(parent, 'merge')
  const second = await openScratch(parent, 'merge')
  expect([killed, before].filter(existsSync)).toStrictEqual([])
  expect([...kept, first.path, second.path].filter((path) => !existsSync(path))).toStrictEqual([])
  await first.close()
  await second.close()
  expect([first.path, second.path].filter(existsSync)).toStrictEqual([])
})
