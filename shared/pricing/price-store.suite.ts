import { describe, expect, test } from 'vitest'
import { type CustomPrice, MAX_CUSTOM_PRICES } from './custom-price.ts'
import type { PriceStore } from './price-store.ts'

const price = (model: string): CustomPrice => ({
  provider: '*',
  model,
  prices: { input_mtok: '0.075', output_mtok: 1 },
})

/** What every adapter of {@link PriceStore} does. */
export function describePriceStore(name: string, open: () => Promise<PriceStore>): void {
  describe(name, () => {
    test('a project has the prices that were set last, in their order, and no other has them', async () => {
      const store = await open()
      expect(await store.get('p')).toStrictEqual({ prices: [], version: '0' })
      const first = await store.replace('p', [price('a'), price('b')])
      expect(first?.prices).toStrictEqual([price('a'), price('b')])
      expect(await store.get('p')).toStrictEqual(first)
      const second = await store.replace('p', [price('b')])
      expect(second?.version).not.toBe(first?.version)
      expect(await store.get('p')).toStrictEqual(second)
      for (const other of ['q', 'P', 'p/x', '__p__', '..', ''])
        expect(await store.get(other)).toStrictEqual({ prices: [], version: '0' })
      await store.close()
    })

    test('of two that change the same version one does not', async () => {
      const store = await open()
      const { version } = await store.get('p')
      const answers = await Promise.all(['a', 'b'].map((model) => store.replace('p', [price(model)], version)))
      const done = answers.filter((answer) => answer !== undefined)
      expect(done).toHaveLength(1)
      expect(await store.get('p')).toStrictEqual(done[0])
      expect(await store.replace('p', [], version)).toBeUndefined()
      expect(await store.replace('p', [], done[0]?.version)).toMatchObject({ prices: [] })
      await store.close()
    })

    test('as many prices as a project may have are kept', async () => {
      const store = await open()
      const many = Array.from({ length: MAX_CUSTOM_PRICES }, (_, index) => price(`${index}-${'x'.repeat(240)}`))
      await store.replace('p', many)
      expect((await store.get('p')).prices).toStrictEqual(many)
      await store.close()
    })

    test('a store that is closed says so', async () => {
      const store = await open()
      await store.close()
      await expect(store.get('p')).rejects.toMatchObject({ code: 'store/unavailable' })
    })
  })
}
