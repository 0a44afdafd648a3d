import { afterEach, expect, test } from 'vitest'
import type { Log } from '../../log.ts'
import { type Supervisor, supervise } from './supervisor.ts'

const log: Log = { debug() {}, info() {}, warn() {}, error() {} }
const running: Supervisor[] = []
afterEach(async () => {
  for (const supervisor of running.splice(0)) await supervisor.drain(1000)
})

function start(mode = '', to = log): Supervisor {
  const entry = new URL('./test-worker.ts', import.meta.url)
  const supervisor = supervise({ entry, name: 'test', workerData: { mode }, heapMb: 64, log: to })
  running.push(supervisor)
  return supervisor
}

test('answers come from the thread, and errors keep their code', async () => {
  const { ready, remote } = start()
  await ready
  expect(await remote.call('double', [2n ** 70n])).toBe(2n ** 71n)
  await expect(remote.call('refuse', [])).rejects.toMatchObject({
    code: 'query/invalid',
    message: 'query: no such thing',
  })
})

test('a thread that crashes fails what it was asked, and is started again', async () => {
  const { ready, remote } = start()
  await ready
  await expect(remote.call('crash', [])).rejects.toMatchObject({ code: 'store/unavailable' })
  await expect.poll(() => remote.call('double', [1n]).catch((error) => error.code), { timeout: 10_000 }).toBe(2n)
})

test('a thread that cannot start says why', async () => {
  await expect(start('broken').ready).rejects.toThrow('cannot open the store')
})

test('draining waits for the thread to end, but not for ever', async () => {
  const willing = start()
  await willing.ready
  expect(await willing.drain(10_000)).toBe(true)
  await expect(willing.remote.call('double', [1n])).rejects.toMatchObject({ code: 'store/unavailable' })
  const stuck = start('stuck')
  await stuck.ready
  expect(await stuck.drain(50)).toBe(false)
})

test('a thread with more to do than there was time for was broken off, and DuckDB aborted the process', async () => {
  const logged: string[] = []
  const busy = start('busy', { ...log, warn: (fields: unknown) => void logged.push(JSON.stringify(fields)) })
  await busy.ready
  expect(await busy.drain(50)).toBe(false)
  // It ended by itself, once it was told that the time was up.
  expect(logged).toEqual([])
  const stuck = start('stuck', { ...log, warn: (fields: unknown) => void logged.push(JSON.stringify(fields)) })
  await stuck.ready
  expect(await stuck.drain(50)).toBe(false)
  expect(logged).toEqual(['{"thread":"test"}'])
})
