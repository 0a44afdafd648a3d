import { type OpenAPIHono, z } from '@hono/zod-openapi'
import { createBacktest } from '../../../shared/budgets/backtest.ts'
import { SpanledgerError } from '../../../shared/errors.ts'
import type { Cursor, Page, StoredSpan } from '../../../shared/warehouse/trace-store.ts'
import type { ReaderEnv } from '../principal.ts'
import { API_KEY_SCHEME, responses } from '../route.ts'
import { amountJson, amountSchema } from './amount-json.ts'
import { timeJson, timeJsonOrNull } from './budget-json.ts'
import type { BudgetRoutesOptions } from './routes.ts'
import { instantInput, termsInput } from './terms-json.ts'
import { readJson, refuseInvalid, verbPath } from './verb.ts'

/** More spans than this are refused: a backtest is one request. */
const MAX_SPANS = 1_000_000
const PAGE = 1_000

const input = z.strictObject({ budget: termsInput, from: instantInput, to: instantInput })
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
export function backtestRoute(app: OpenAPIHono<ReaderEnv>, { authenticate, reader }: BudgetRoutesOptions): void {
  app.openAPIRegistry.registerPath({
    method: 'post',
    path: '/ledger/v1/budgets:backtest',
    tags: ['budgets'],
    security: [{ [API_KEY_SCHEME]: [] }],
    summary: 'What a budget would have blocked and saved on recorded traffic',
    description: 'By the same rules as live, as if every call had reserved just what it then cost.',
    request: { body: { required: true, content: { 'application/json': { schema: input } } } },
    responses: responses('the report', reportSchema),
  })
  app.post(verbPath('backtest'), async (c) => {
    const { project } = await authenticate(c.req.header('authorization') ?? null, 'read')
    const given = input.safeParse(await readJson(c))
    if (!given.success) return refuseInvalid({ ...given, target: 'json' }, c) as Response
    if (reader === undefined) throw new SpanledgerError('store/unavailable', 'there is no warehouse to read from')
    const { budget, from, to } = given.data
    if (budget.selector.key !== undefined)
      throw new SpanledgerError('budget/invalid', 'budget.selector.key: which key sent a span is not stored')
    if (to <= from) throw new SpanledgerError('budget/invalid', 'to: must be after from')
    const backtest = createBacktest(budget, from)
    const filter = { project, from: BigInt(from) * 1_000_000n, to: BigInt(to) * 1_000_000n }
    let after: Cursor | null = null
    let spans = 0
    do {
      const page: Page<StoredSpan> = await reader.listSpans({
        filter,
        sort: 'startTime',
        order: 'asc',
        pageSize: PAGE,
        ...(after !== null && { after }),
      })
      spans += page.items.length
      if (spans > MAX_SPANS) {
        throw new SpanledgerError('budget/invalid', `there are more than ${MAX_SPANS} spans; choose a shorter time`)
      }
      backtest.add(page.items)
      after = page.next
    } while (after !== null)
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
