import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { lockDataDirectory } from './data-lock.ts'

test('a second process is told that the data directory is in use, until the first lets go', () => {
  const directory = mkdtempSync(join(tmpdir(), 'lock-'))
  const tryElsewhere = () => {
    const url = new URL('./data-lock.ts', import.meta.url).href
    const script = `const { lockDataDirectory } = await import(${JSON.stringify(url)}); lockDataDirectory(process.argv[1])`
    return spawnSync(process.execPath, ['--input-type=module', '-e', script, directory], { encoding: 'utf8' })
  }
  const lock = lockDataDirectory(directory)
  expect(tryElsewhere().stderr).toContain('is in use by another process')
  lock.release()
  expect(tryElsewhere().status).toBe(0)
  rmSync(directory, { recursive: true })
})

test('of a data directory that cannot be one, only what the operating system says was told', () => {
  const directory = mkdtempSync(join(tmpdir(), 'lock-'))
  const file = join(directory, 'file')
  writeFileSync(file, '')
  mkdirSync(join(directory, 'taken', 'lock.sqlite'), { recursive: true })
  for (const data of [file, join(file, 'below'), join(directory, 'taken')]) {
    expect(() => lockDataDirectory(data)).toThrow(
      expect.objectContaining({
        code: 'config/invalid',
        message: expect.stringMatching(
          /^config: the data directory .+ cannot be used \(.+\); set SPANLEDGER_DATA to another/,
        ),
      }),
    )
  }
  rmSync(directory, { recursive: true })
})
