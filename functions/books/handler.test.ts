import { expect, test } from 'vitest'
import { createBooksSchedule } from './handler.ts'

test('of the runs of a day one does what is to be done nightly', async () => {
  let now = Date.UTC(2026, 4, 10)
  const nights: string[] = []
  const app = createBooksSchedule({
    ...{ sources: [], books: { enter: async () => undefined }, prefix: '', now: () => now },
    nightly: async () => void nights.push(new Date(now).toISOString()),
  })
  for (let minute = 0; minute < 24 * 60; minute += 10) {
    // Cloud Scheduler is seconds late.
    now = Date.UTC(2026, 4, 10, 0, minute, 7)
    expect((await app.request('/write', { method: 'POST' })).status).toBe(200)
  }
  expect(nights).toEqual(['2026-05-10T03:00:07.000Z'])
})

test('what fails at night is 503', async () => {
  const nightly = () => Promise.reject(new Error('down'))
  const now = () => Date.UTC(2026, 4, 10, 3)
  const app = createBooksSchedule({
    ...{ sources: [], books: { enter: async () => undefined }, prefix: '', now, nightly },
  })
  expect((await app.request('/write', { method: 'POST' })).status).toBe(503)
})
