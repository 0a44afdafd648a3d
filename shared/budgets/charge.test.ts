import { expect, test } from 'vitest'
import { buildSpan } from '../../test/support/span.ts'
import { correctionSpan } from '../spans/correction.ts'
import { EMPTY_LEDGER } from '../spans/ledger.ts'
import { newBudget } from './budget.ts'
import { chargesOf, compileRules } from './charge.ts'
import { NOON, termsOf } from './ledger.fixtures.ts'

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
