import { expect, test } from 'vitest'
import type { BookEntry } from '../books.ts'
import { bookEntries } from './pubsub-books.ts'
import { toStoredRecord } from './pubsub-message.ts'

const ENTRY: BookEntry = {
  kind: 'stored',
  project: 'p',
  digest: `${'a'.repeat(64)}.1`,
  spans: 511,
  subscription: 'warehouse',
  reason: '',
  at: 1_700_000_000_123,
}

test('what is told of stored spans is what the books enter, whenever it is published and wherever it comes from', () => {
  const pulled = { ...toStoredRecord(ENTRY), id: '1', messageId: '1', attempt: 1, publishedAt: 1_800_000_000_000 }
  expect(bookEntries(pulled, 'ledger')).toStrictEqual([ENTRY])
  // Pub/Sub gave it up after a hundred deliveries: it says no less.
  const buried = { CloudPubSubDeadLetterSourceSubscription: 'projects/x/subscriptions/ledger-intake' }
  const late = { ...pulled, attributes: { ...pulled.attributes, ...buried } }
  expect(bookEntries(late, 'ledger')).toStrictEqual([ENTRY])
})
