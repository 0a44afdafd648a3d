import { expect, test } from 'vitest'
import { newBudget } from './budget.ts'
import { changeNote, grantNote } from './change-note.ts'
import { NOON, termsOf } from './ledger.fixtures.ts'

const url = 'https://hooks.example/services/t0ken'
const budget = newBudget('p', 'b', termsOf({ limit: 5_000_000_000_000n, period: 'month' }), NOON)
const alerts = [{ kind: 'webhook', url, secret: 'old' }] as const

test.each([
  ['a new one', budget, undefined, 'limit 5 USD'],
  [
    'one of its own',
    { ...budget, mode: 'soft' as const, carryOver: { cap: 1n } },
    undefined,
    'limit 5 USD; mode soft; carryOver up to 0.000000000001 USD',
  ],
  ['another limit', { ...budget, limit: 2_500_000_000_000n }, budget, 'limit 5 USD -> 2.5 USD'],
  ['another period', { ...budget, period: { rollingSeconds: 60 } }, budget, 'period month -> 60 s, rolling'],
  ['the same again', { ...budget, updatedAt: 1 }, budget, 'nothing changed'],
])('%s', (_, after, before, note) => {
  expect(changeNote(after, before)).toBe(note)
})

test('what lets anyone post to a target is not told', () => {
  const note = changeNote({ ...budget, alerts }, budget)
  expect(note).toMatch(
    /^alerts \[\] -> \["webhook https:\/\/hooks\.example\/\.\.\.[0-9a-f]{8}"\]; a secret of its alerts$/,
  )
  const changed = changeNote({ ...budget, alerts: [{ ...alerts[0], secret: 'new' }] }, { ...budget, alerts })
  expect(changed).toBe('a secret of its alerts')
})

test('a grant', () => {
  const grant = { id: 'g', amount: 5n, from: NOON, to: NOON + 1_000, note: 'launch' }
  expect(grantNote('tokens', grant)).toBe(
    'g: 5 tokens from 2026-05-10T12:00:00.000Z to 2026-05-10T12:00:01.000Z: launch',
  )
})
