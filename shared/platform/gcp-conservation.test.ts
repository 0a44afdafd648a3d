import { expect, test } from 'vitest'
import type { BookTotals } from '../books.ts'
import { createGcpConservation } from './gcp-conservation.ts'

const holding =
  (stored: bigint, duplicates = 0n) =>
  async () => ({ stored, duplicates })

function report(
  totals: Partial<BookTotals>,
  sinks: Readonly<Record<string, () => Promise<{ stored: bigint; duplicates: bigint }>>>,
) {
  const books = { totals: async () => ({ accepted: 0n, rejected: {}, dead: {}, ...totals }) }
  return createGcpConservation({ books, sinks })('p')
}

test('what was taken and no sink has is in flight to all of them, and the books are open', async () => {
  const given = await report({ accepted: 7n }, { warehouse: holding(0n), lake: holding(0n) })
  expect(given.accepted).toBe(7n)
  expect(given.sinks).toMatchObject({ warehouse: { inFlight: 7n }, lake: { inFlight: 7n } })
  expect(given.balanced).toBe(false)
})

test('what one sink has and another lacks is on its way', async () => {
  const given = await report({ accepted: 7n }, { warehouse: holding(5n, 2n), lake: holding(4n) })
  expect(given.sinks).toMatchObject({ warehouse: { inFlight: 0n }, lake: { inFlight: 3n } })
  expect(given.balanced).toBe(false)
})

test('what a sink has was taken, though its record is not in the books yet', async () => {
  const given = await report({ accepted: 3n }, { warehouse: holding(7n), lake: holding(7n) })
  expect(given).toMatchObject({ accepted: 7n, balanced: true })
})

test('what was given up is told by reason, and what price gave up is so for every sink', async () => {
  const dead = { price: { 'cannot be read': 2n }, warehouse: { 'too large': 1n } }
  const given = await report(
    { accepted: 10n, rejected: { no_id: 4n }, dead },
    { warehouse: holding(7n), lake: holding(8n) },
  )
  expect(given.sinks.warehouse).toMatchObject({ dead: { 'price: cannot be read': 2n, 'too large': 1n }, inFlight: 0n })
  expect(given.sinks.lake).toMatchObject({ dead: { 'price: cannot be read': 2n }, inFlight: 0n })
  expect(given).toMatchObject({ rejected: { no_id: 4n }, balanced: true })
})

test('a sink that holds more than was taken opens the books', async () => {
  const given = await report({ accepted: 5n }, { warehouse: holding(5n), lake: holding(6n) })
  expect(given.balanced).toBe(false)
})
