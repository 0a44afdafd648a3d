import { expect, test } from 'vitest'
import { BUDGETS, useTestRoutes } from './test-routes.ts'

const { call, put, reserve } = useTestRoutes()

/** Names and texts that may mean something to whoever keeps budgets as JSON, or finds them by SQL. */
const NAMES = ['$int', '$$int', 'constructor', 'toString', "'; DROP TABLE budgets; --", '../b', '\u2028', '{"a":1}']
const TEXTS = ['5', 'x', '-0', '9'.repeat(40), '{"$int":"5"}', '\ud800', '😀']

test.each(NAMES)(
  'an attribute %j in a selector or a subject made every budget of its project unreadable',
  async (name) => {
    const limit = { usd: 10 }
    await put('plain', { limit })
    for (const [index, value] of TEXTS.entries()) {
      const attributes = { [name]: value }
      expect((await put('b', { limit, selector: { attributes } })).status).toBe(index === 0 ? 201 : 200)
      expect((await call('GET', `${BUDGETS}/b`)).body).toMatchObject({ limit, selector: { attributes } })
      const { body } = await reserve({ idempotencyKey: value, subject: { attributes }, amount: { usd: 0.5 } })
      expect(body.budgets).toMatchObject([{ id: 'b' }, { id: 'plain' }])
      const settling = { reservationId: body.reservationId, amount: { usd: 0.25 } }
      expect((await call('POST', `${BUDGETS}:settle`, settling)).status).toBe(200)
      expect((await call('GET', `${BUDGETS}/b`)).body).toMatchObject({ spent: { usd: 0.25 }, reserved: { usd: 0 } })
      const other = { attributes: { [name]: 'other' } }
      const beside = await reserve({ idempotencyKey: `other ${index}`, subject: other, amount: { usd: 0.1 } })
      expect(beside.body.budgets).toMatchObject([{ id: 'plain' }])
    }
  },
)
