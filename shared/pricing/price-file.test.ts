import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readPriceFile } from './price-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'prices-'))
afterAll(() => rmSync(folder, { recursive: true }))

function read(text: string) {
  const path = join(folder, 'prices.json')
  writeFileSync(path, text)
  return readPriceFile(path)
}

const PRICES = '{"prices":[{"model":"x","prices":{"input_mtok":1}}]}'

test('the prices of a file are those of it, whatever mark an editor puts before them', async () => {
  const prices = [{ provider: '*', model: 'x', prices: { input_mtok: 1 } }]
  expect(await read(PRICES)).toStrictEqual(prices)
  expect(await read(`\uFEFF${PRICES}`)).toStrictEqual(prices)
})

test('the price file says what is wrong with it, and which setting names it', async () => {
  await expect(read('nonsense')).rejects.toThrow(/^pricing: the price file that SPANLEDGER_PRICES names is not JSON$/)
  await expect(read('{"prices":[{"model":"x"}]}')).rejects.toThrow('prices.0.prices')
  await expect(readPriceFile(join(folder, 'none.json'))).rejects.toMatchObject({
    code: 'pricing/invalid',
    message: expect.stringContaining('cannot be read (ENOENT): set SPANLEDGER_PRICES'),
  })
})
