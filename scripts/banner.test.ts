import { expect, test } from 'vitest'
import { readConfig } from '../shared/config.ts'
import { banner, describeStartError, isLoopback, urlOf } from './banner.ts'

test.each([
  ['127.0.0.1', 'http://localhost:4318'],
  ['0.0.0.0', 'http://localhost:4318'],
  ['::', 'http://localhost:4318'],
  ['fd00::1', 'http://[fd00::1]:4318'],
  ['::1', 'http://[::1]:4318'],
  ['127.0.0.2', 'http://127.0.0.2:4318'],
  ['10.0.0.5', 'http://10.0.0.5:4318'],
])('listening on %s, an address was shown that no client can be given', (host, url) => {
  expect(urlOf(host, 4318)).toBe(url)
  expect(URL.canParse(url)).toBe(true)
})

test('where every request needs a key and there is none, nothing said how to make one', () => {
  const config = readConfig({})
  expect(banner('http://localhost:4318', config, { needsFirstKey: true })).toContain('npm run keys -- create')
  expect(banner('http://localhost:4318', config, { needsFirstKey: false })).not.toContain('npm run keys')
})

test.each([
  ['EADDRINUSE', 'PORT'],
  ['EACCES', 'PORT'],
  ['EADDRNOTAVAIL', 'SPANLEDGER_HOST'],
  ['ENOTFOUND', 'SPANLEDGER_HOST'],
])('an address that cannot be listened on (%s) was told without the setting to change', (code, setting) => {
  const error = Object.assign(new Error('listen failed'), { code, syscall: 'listen' })
  expect(describeStartError(error)).toBe(`listen failed; set ${setting} to another`)
})

test.each([[{ code: 'ENOSPC', syscall: 'write' }], [{ code: 'ERR_SQLITE_ERROR', errcode: 13 }]])(
  'a disk that was full at the start (%o) was told without what to do',
  (facts) => {
    const error = Object.assign(new Error('database or disk is full'), facts)
    expect(describeStartError(error)).toBe('the disk is full; free some space and start again')
  },
)

test('what is no address to listen on is told as it is', () => {
  expect(describeStartError(Object.assign(new Error('no'), { code: 'EACCES', syscall: 'open' }))).toBe('no')
})

test('loopback is told from what others can reach', () => {
  expect(['localhost', '::1', '127.0.0.2', '0.0.0.0', '::', '10.0.0.1'].map(isLoopback)).toStrictEqual([
    ...[true, true, true, false, false, false],
  ])
})
