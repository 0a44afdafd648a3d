import { expect, test } from 'vitest'
import type { ObjectStore } from './object-store.ts'

/** What every {@link ObjectStore} has to do. `open` gives a fresh, empty one. */
export function testObjectStore(open: () => Promise<ObjectStore>): void {
  const bytes = (text: string) => Buffer.from(text)
  const names = async (store: ObjectStore, prefix: string, from?: string) =>
    (await Array.fromAsync(store.list(prefix, from === undefined ? {} : { from }))).map(({ name }) => name)

  test('what was put is read back, whole and in part', async () => {
    const store = await open()
    await store.putIfAbsent('traces/a', bytes('0123456789'))
    expect(Buffer.from(await store.read('traces/a')).toString()).toBe('0123456789')
    expect(Buffer.from(await store.read('traces/a', { start: 2, end: 5 })).toString()).toBe('234')
    expect(Buffer.from(await store.read('traces/a', { start: 8, end: 50 })).toString()).toBe('89')
  })

  test('a name is taken once, by one of many', async () => {
    const store = await open()
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, (_, writer) => store.putIfAbsent('a/b', bytes(`writer ${writer}`))),
    )
    const winner = results.findIndex(({ status }) => status === 'fulfilled')
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'lake/exists' })
    }
    expect(Buffer.from(await store.read('a/b')).toString()).toBe(`writer ${winner}`)
  })

  test('what is not there is not found, and may be deleted', async () => {
    const store = await open()
    await expect(store.read('none')).rejects.toMatchObject({ code: 'lake/not-found' })
    await store.delete('none')
    await store.putIfAbsent('some', bytes('x'))
    await store.delete('some')
    await expect(store.read('some')).rejects.toMatchObject({ code: 'lake/not-found' })
    await store.putIfAbsent('some', bytes('y'))
    expect(Buffer.from(await store.read('some')).toString()).toBe('y')
  })

  test('lists by prefix, in order of name, with sizes and times', async () => {
    const store = await open()
    for (const name of ['t/b/2', 't/b/10', 't/b.x', 't/a', 'u/a', 't/b/1/x']) await store.putIfAbsent(name, bytes(name))
    expect(await names(store, '')).toStrictEqual(['t/a', 't/b.x', 't/b/1/x', 't/b/10', 't/b/2', 'u/a'])
    expect(await names(store, 't/b')).toStrictEqual(['t/b.x', 't/b/1/x', 't/b/10', 't/b/2'])
    expect(await names(store, 't/b/1')).toStrictEqual(['t/b/1/x', 't/b/10'])
    expect(await names(store, 'none/')).toStrictEqual([])
    expect(await names(store, 't/', 't/b/1')).toStrictEqual(['t/b/1/x', 't/b/10', 't/b/2'])
    expect(await names(store, 't/', 't/b.x')).toStrictEqual(['t/b.x', 't/b/1/x', 't/b/10', 't/b/2'])
    expect(await names(store, 't/', 'u')).toStrictEqual([])
    expect(await names(store, '', 't/b/10')).toStrictEqual(['t/b/10', 't/b/2', 'u/a'])
    const [first] = await Array.fromAsync(store.list('t/a'))
    expect(first).toMatchObject({ name: 't/a', size: 3 })
    expect(Math.abs((first?.updatedAt ?? 0) - Date.now())).toBeLessThan(60_000)
  })

  test.each(['', '/a', 'a//b', '../a', 'a/../b', 'a/./b', 'a/', 'a\\b', 'a\0b', 'ä', 'x'.repeat(300)])(
    'refuses the name %j',
    async (name) => {
      const store = await open()
      await expect(store.putIfAbsent(name, bytes('x'))).rejects.toMatchObject({ code: 'lake/unavailable' })
      await expect(store.read(name)).rejects.toMatchObject({ code: 'lake/unavailable' })
      await expect(store.delete(name)).rejects.toMatchObject({ code: 'lake/unavailable' })
    },
  )
}
