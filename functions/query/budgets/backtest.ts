import { type OpenAPIHono, z } from '@hono/zod-openapi'
import { createBacktest } from '../../../shared/budgets/backtest.ts'
import { MAX_GRANTS } from '../../../shared/budgets/budget.ts'
import { storedCondition } from '../../../shared/budgets/selector.ts'
import { storedSpans } from '../../../shared/budgets/stored-spans.ts'
import { SpanledgerError } from '../../../shared/errors.ts'
import type { ReaderEnv } from '../principal.ts'
import { API_KEY_SCHEME, responses, WITH_BODY } from '../route.ts'
import { amountJson, amountSchema } from './amount-json.ts'
import { timeJson, timeJsonOrNull } from './budget-json.ts'
import type { BudgetRoutesOptions } from './routes.ts'
import { grantInput, instantInput, termsInput } from './terms-json.ts'
import { readInput, verbPath } from './verb.ts'

/** More spans than this are refused: a backtest is one request. */
const MAX_SPANS = 1_000_000

const input = z.strictObject({
  budget: termsInput,
  grants: z.array(grantInput).max(MAX_GRANTS).default([]),
  from: instantInput,
  to: instantInput,
})
const sums = {
  calls: z.number().int(),
  blocked: z.number().int(),
  spent: amountSchema,
  saved: amountSchema.meta({ description: 'what the blocked calls had cost' }),
}
const reportSchema = z.object({
  ...sums,
  unknownCount: z.number().int().meta({ description: 'calls whose cost is not known; they count as 0' }),
  firstBlockedAt: z.string().nullable(),
  periods: z.array(z.object({ period: z.string(), start: z.string(), ...sums })),
})

/** `POST /ledger/v1/budgets:backtest`: what a budget would have done on recorded traffic. Changes nothing. */
export function backtestRoute(app: OpenAPIHono<ReaderEnv>, options: BudgetRoutesOptions): void {
  const { authenticate, reader, now = Date.now } = options
  app.openAPIRegistry.registerPath({
    method: 'post',
    path: '/ledger/v1/budgets:backtest',
    tags: ['budgets'],
    security: [{ [API_KEY_SCHEME]: [] }],
    summary: 'What a budget would have blocked and saved on recorded traffic',
    description: 'By the same rules as live, as if every call had reserved just what it then cost.',
    request: { body: { required: true, content: { 'application/json': { schema: input } } } },
    responses: responses('the report', reportSchema, WITH_BODY),
  })
  app.post(verbPath('backtest'), async (c) => {
    const { project } = await authenticate(c.req.header('authorization') ?? null, 'read')
    const given = await readInput(c, input)
    if ('refusal' in given) return given.refusal
    if (reader === undefined) throw new SpanledgerError('store/unavailable', 'there is no warehouse to read from')
    const { budget, grants, from, to } = given.data
    if (to <= from) throw new SpanledgerError('budget/invalid', 'to: must be after from')
    if (grants.some(({ unit }) => unit !== budget.unit))
      throw new SpanledgerError('budget/invalid', `grants: must be in ${budget.unit}, as the limit is`)
    const funds = grants.map((grant, i) => ({ ...grant, id: String(i), from: grant.from ?? from }))
    const backtest = createBacktest(budget, from, funds)
    let spans = 0
    const only = storedCondition(budget.selector)
    for await (const page of storedSpans(reader, { project, from, to, now: now(), only, order: 'startTime' })) {
      spans += page.length
      if (spans > MAX_SPANS) {
        throw new SpanledgerError('budget/invalid', `there are more than ${MAX_SPANS} spans; choose a shorter time`)
      }
      backtest.add(page)
    }
    const { periods, firstBlockedAt, unknown, ...total } = backtest.report()
    const shown = ({ calls, blocked, spent, saved }: typeof total) => ({
      calls,
      blocked,
      spent: amountJson(budget.unit, spent),
      saved: amountJson(budget.unit, saved),
    })
    return c.json({
      ...shown(total),
      unknownCount: unknown,
      firstBlockedAt: timeJsonOrNull(firstBlockedAt),
      periods: periods.map((period) => ({ period: period.period, start: timeJson(period.start), ...shown(period) })),
    })
  })
}
