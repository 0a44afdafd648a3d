import { expect, test } from 'vitest'
import { spendByModel } from './readback.ts'

test('of a server that stopped meanwhile only "fetch failed" was told', async () => {
  const reader = { url: 'http://127.0.0.1:9', headers: {} }
  await expect(spendByModel(reader, new Date())).rejects.toThrow('http://127.0.0.1:9 does not answer any more')
})
