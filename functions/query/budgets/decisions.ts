import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { SUBJECT_FIELDS, type Subject } from '../../../shared/budgets/selector.ts'
import { problemSchema } from '../../../shared/http/problem.ts'
import { attribute, integer, parameter, repeatable, text } from '../parameters.ts'
import type { ReaderEnv } from '../principal.ts'
import { API_KEY_SCHEME, responses } from '../route.ts'
import { amountsInput } from './amount-json.ts'
import { timeJson } from './budget-json.ts'
import { decisionJson, decisionSchema, denied, reservationJson, reservationSchema } from './decision-json.ts'
import { createFallback } from './fallback.ts'
import type { BudgetRoutesOptions } from './routes.ts'
import { idempotencyKeyInput, subjectInput } from './terms-json.ts'
import { authenticateCaller, createVerbs, refuseInvalid, ttlInput, verbPath, withKey } from './verb.ts'

const reservationIdInput = z.string().regex(/^res_[0-9a-f]{32}$/, 'is no id of a reservation')
const reserveInput = z.strictObject({
  idempotencyKey: idempotencyKeyInput.meta({ description: 'the same for every retry of one call' }),
  subject: subjectInput.default({}),
  amount: amountsInput.optional().meta({ description: "what is not given is the model's recent 95th percentile" }),
  ttlSeconds: ttlInput,
})
const settleInput = z.strictObject({ reservationId: reservationIdInput, amount: amountsInput })
const releaseInput = z.strictObject({ reservationId: reservationIdInput })

/** Before and after a call: reserve, settle, release, and the mere question whether it would be let through. */
export function decisionRoutes(app: OpenAPIHono<ReaderEnv>, options: BudgetRoutesOptions): void {
  const { ledger, authenticate, now = Date.now } = options
  const verb = createVerbs(app, authenticate)
  const fallback = createFallback(options)

  verb('reserve', reserveInput, 'Hold an amount in every budget that applies, or in none', {
    201: reservationSchema,
    402: problemSchema,
  }).handle(async (caller, input) => {
    const { project } = caller
    const { idempotencyKey, ttlSeconds } = input
    const subject = withKey(input.subject, caller)
    const reserve = async () => {
      const amounts = { ...(await ledger.estimate(project, subject.model ?? '')), ...input.amount }
      const result = await ledger.reserve({ project, idempotencyKey, subject, amounts, ttlMs: ttlSeconds * 1000 })
      if (result.kind === 'denied') return denied(result.denying, amounts)
      const exceeded = result.exceeded.map(({ budget }) => budget.id)
      const shown = { ...reservationJson(result.reservation), ...(exceeded.length > 0 && { exceeded }) }
      return Response.json(shown, { status: 201 })
    }
    return fallback.answer({ project, subject }, reserve, () => {
      const expiresAt = timeJson(now() + ttlSeconds * 1000)
      const unseen = { reservationId: '', state: 'open', expiresAt, budgets: [], degraded: true }
      return Response.json(unseen, { status: 201 })
    })
  })

  verb('settle', settleInput, 'Charge what a reserved call has cost, and let go of the rest', {
    200: reservationSchema,
  }).handle(async ({ project, keyId }, { reservationId, amount }) =>
    Response.json(reservationJson(await ledger.settle(project, reservationId, amount, keyId))),
  )

  verb('release', releaseInput, 'Let go of a reservation whose call was not made', {
    200: reservationSchema,
  }).handle(async ({ project }, { reservationId }) =>
    Response.json(reservationJson(await ledger.release(project, reservationId))),
  )

  const count = integer(0, 9_999_999_999)
  const query = z.strictObject({
    ...(Object.fromEntries(SUBJECT_FIELDS.map((field) => [field, parameter(`${field} of the call`, text)])) as Record<
      (typeof SUBJECT_FIELDS)[number],
      ReturnType<typeof parameter<string>>
    >),
    attribute: repeatable('attribute of the call, key=value', attribute),
    usd: parameter('what it will cost, in USD', text, '0.01'),
    tokens: parameter('how many tokens it will take', count),
    requests: parameter('how many calls it will make; 1 unless given', count),
  })
  const decision = createRoute({
    method: 'get',
    path: '/ledger/v1/budgets:decision',
    tags: ['budgets'],
    security: [{ [API_KEY_SCHEME]: [] }],
    summary: 'Whether a call would be let through; holds nothing',
    request: { query },
    responses: responses('the decision', decisionSchema),
  })
  app.openAPIRegistry.registerPath(decision)
  app.get(verbPath('decision'), async (c) => {
    const caller = await authenticateCaller(authenticate, c)
    const { project } = caller
    const given = query.safeParse(repeated(c))
    if (!given.success) return refuseInvalid({ ...given, target: 'query' }, c) as Response
    const { usd, tokens, requests, attribute: attributes, ...fields } = given.data
    const parsed = amountsInput.safeParse({
      ...(usd !== undefined && { usd }),
      ...(tokens !== undefined && { tokens }),
      ...(requests !== undefined && { requests }),
    })
    if (!parsed.success) return refuseInvalid({ ...parsed, target: 'query' }, c) as Response
    const named = {
      ...fields,
      ...(attributes !== undefined && {
        attributes: Object.fromEntries(attributes.map(({ key, value }) => [key, value])),
      }),
    } as Subject
    const subject = withKey(named, caller)
    const decide = async () => {
      const amounts = { ...(await ledger.estimate(project, subject.model ?? '')), ...parsed.data }
      return decisionJson(await ledger.balances(project, subject), amounts)
    }
    const unseen = { allowed: true, remaining: null, decidedBy: null, resetsAt: null, degraded: true, budgets: [] }
    return c.json(await fallback.answer({ project, subject }, decide, () => unseen))
  })
}

function repeated(c: Context): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(c.req.queries()).map(([key, values]) => [key, values.length === 1 ? (values[0] ?? '') : values]),
  )
}
