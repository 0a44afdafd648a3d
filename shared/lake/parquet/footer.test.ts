import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isSpanledgerError } from '../../errors.ts'
import { createParquetFormat } from '../parquet-format.ts'
import { DAY, testSpan } from '../test-spans.ts'
import { createMemoryStore } from '../test-store.ts'

const format = createParquetFormat()
const facts = { digests: ['a', 'b'], projects: { p: { rows: 1, duplicates: 0, expired: 0 } } }
const file = format.encode([{ priced: testSpan(), context: { project: 'p', digest: 'a', ingestedAt: DAY } }], facts)
const footerSize = Buffer.from(file).readUInt32LE(file.length - 8)

async function readFacts(data: Uint8Array) {
  const store = createMemoryStore()
  await store.putIfAbsent('file', data)
  return format.readFacts(store, { name: 'file', size: data.length })
}

test('the facts of a file are read back, also when they are longer than one read', async () => {
  expect(await readFacts(file)).toStrictEqual(facts)
  const many = { ...facts, digests: Array.from({ length: 5000 }, (_, n) => `digest-${n}`.padEnd(64, '.')) }
  expect(await readFacts(format.encode([], many))).toStrictEqual(many)
})

test('a file that is damaged anywhere in its footer is corrupt, by name, or reads as before', async () => {
  const damage = fc.record({ at: fc.integer({ min: 1, max: footerSize + 8 }), byte: fc.nat(255), cut: fc.nat(40) })
  await fc.assert(
    fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 3 }), async (damages) => {
      let data = Uint8Array.from(file)
      for (const { at, byte, cut } of damages) {
        if (at <= data.length) data[data.length - at] = byte
        if (byte % 8 === 0) data = data.slice(0, Math.max(0, data.length - cut))
      }
      try {
        expect(typeof (await readFacts(data)).projects).toBe('object')
      } catch (error) {
        expect(isSpanledgerError(error, 'lake/corrupt') && error.message).toContain('file')
      }
    }),
    { numRuns: 500 },
  )
})

test.each(['', 'PAR1', 'PAR1PAR1', 'not a Parquet file, but long enough for a footer'])(
  '%j is no file of the lake',
  async (text) => {
    await expect(readFacts(Buffer.from(text))).rejects.toMatchObject({ code: 'lake/corrupt' })
  },
)
