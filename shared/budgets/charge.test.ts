import { expect, test } from 'vitest'
import { buildSpan } from '../../test/support/span.ts'
import { correctionSpan } from '../spans/correction.ts'
import { EMPTY_LEDGER } from '../spans/ledger.ts'
import { newBudget } from './budget.ts'
import { chargesOf, compileRules } from './charge.ts'
import { NOON, termsOf } from './ledger.fixtures.ts'
import type { Selector } from './selector.ts'

test('a correction said nothing of the reservation that its span names', () => {
  const ledger = { ...EMPTY_LEDGER, operation: 'chat', costStatus: 'priced', costPicoUsd: 40n, revision: 1 } as const
  const of = { ...buildSpan({ spanId: '1' }), service: '' }
  const { rules } = compileRules([newBudget('p', 'b', termsOf(), NOON)], 1)
  const correct = (reservation?: string) =>
    chargesOf({ rules }, [{ span: correctionSpan({ ...of, ...(reservation && { reservation }) }, ledger), ledger }])
  expect(correct('res_1')).toMatchObject({
    reserved: [{ reservationId: 'res_1', amounts: { usd: 40n }, revision: 1 }],
    samples: [],
  })
  expect(correct().reserved).toEqual([])
  expect(correct('r'.repeat(65)).reserved).toEqual([])
})

test('a span that repeats its children settles its reservation, and is nothing to a lease', () => {
  const { rules } = compileRules([newBudget('p', 'b', termsOf(), NOON)], 1)
  const ledger = { ...EMPTY_LEDGER, operation: 'invoke_agent', costStatus: 'rollup' } as const
  const named = (id: string) =>
    chargesOf({ rules }, [{ span: buildSpan({ attributes: { 'spanledger.reservation': id } }), ledger }])
  const nothing = { usd: 0n, tokens: 0n, requests: 0n }
  expect(named(`res_${'0'.repeat(32)}`)).toMatchObject({ charges: [], reserved: [{ amounts: nothing, revision: 0 }] })
  expect(named(`lease_${'0'.repeat(32)}`)).toEqual({ charges: [], reserved: [], samples: [] })
})

test('a correction went to the budgets of all users: thousands of claims, and as many reads on Firestore', () => {
  const selectors: readonly Selector[] = [
    {},
    { model: ['m'] },
    ...Array.from({ length: 50 }, (_, i) => ({ user: [`u${i}`] })),
    ...Array.from({ length: 50 }, (_, i) => ({ session: [`s${i}`, 's'] })),
    { user: ['u1', 'u2'], session: ['s1'] },
  ]
  const budgets = selectors.map((selector, i) => newBudget('p', `b${i}`, termsOf({ selector }), NOON))
  const rules = compileRules(budgets, 1)
  const { span } = { span: buildSpan({ spanId: '1' }) }
  const common = { ...EMPTY_LEDGER, operation: 'chat', model: 'm', costStatus: 'priced', costPicoUsd: 40n } as const
  const chargedTo = (userId: string, sessionId: string, revision = 0) =>
    chargesOf(rules, [{ span, ledger: { ...common, userId, sessionId, revision } }])
      .charges.map(({ budgetId, claimed }) => `${budgetId}${claimed.matched ? '' : '?'}`)
      .sort()
  expect(chargedTo('u1', 's1')).toEqual(['b0', 'b1', 'b102', 'b3', 'b53'])
  expect(chargedTo('u2', 's9')).toEqual(['b0', 'b1', 'b4', 'b61'])
  expect(chargedTo('', '')).toEqual(['b0', 'b1'])
  expect(chargedTo('u1', 's1', 1)).toEqual(['b0', 'b1', 'b102', 'b3', 'b53'])
  expect(chargedTo('u2', 's9', 1)).toEqual(['b0', 'b1', 'b102?', 'b4', 'b61'])
  // What it does not say rules nothing out: 50 budgets are for sessions.
  expect(chargedTo('u1', '', 1)).toHaveLength(50 + 4)
  expect(chargedTo('', '', 1)).toHaveLength(selectors.length)
  const all = chargesOf({ rules: rules.rules }, [{ span, ledger: { ...common, userId: 'u1', sessionId: 's1' } }])
  expect(all.charges.map(({ budgetId }) => budgetId).sort()).toEqual(chargedTo('u1', 's1'))
})
