import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { Authenticate, Principal } from '../../../shared/auth/authenticate.ts'
import { type Amounts, amountText, type Unit } from '../../../shared/budgets/amount.ts'
import { sliceOf } from '../../../shared/budgets/lease.ts'
import type { Balance, Reservation } from '../../../shared/budgets/ledger.ts'
import { endOrNull, fits } from '../../../shared/budgets/position.ts'
import { SUBJECT_FIELDS, type Subject } from '../../../shared/budgets/selector.ts'
import { isSpanledgerError } from '../../../shared/errors.ts'
import { moneyJson, moneySchema } from '../../../shared/http/money.ts'
import { problem, problemSchema } from '../../../shared/http/problem.ts'
import { attribute, integer, parameter, repeatable, text } from '../parameters.ts'
import type { ReaderEnv } from '../principal.ts'
import { API_KEY_SCHEME, responses } from '../route.ts'
import { amountJson, amountSchema, amountsInput } from './amount-json.ts'
import { timeJson, timeJsonOrNull } from './budget-json.ts'
import { createFallback } from './fallback.ts'
import type { BudgetRoutesOptions } from './routes.ts'
import { subjectInput } from './terms-json.ts'
import { readJson, refuseInvalid, verbPath } from './verb.ts'

const DEFAULT_TTL_SECONDS = 300
const MAX_TTL_SECONDS = 86_400

const reservationIdInput = z.string().regex(/^res_[0-9a-f]{32}$/, 'is no id of a reservation')
const reserveInput = z.strictObject({
  idempotencyKey: z.string().min(1).max(256).meta({ description: 'the same for every retry of one call' }),
  subject: subjectInput.default({}),
  amount: amountsInput.optional().meta({ description: "what is not given is the model's recent 95th percentile" }),
  ttlSeconds: z.number().int().min(1).max(MAX_TTL_SECONDS).default(DEFAULT_TTL_SECONDS),
})
const settleInput = z.strictObject({ reservationId: reservationIdInput, amount: amountsInput })
const leaseInput = z.strictObject({
  idempotencyKey: z.string().min(1).max(256).meta({ description: 'of one lease: again with a larger amount it grows' }),
  subject: subjectInput.default({}),
  amount: amountsInput
    .refine((amounts) => Object.keys(amounts).length > 0, 'must be at least one of {usd}, {tokens} and {requests}')
    .meta({ description: 'in all, what was granted before included; what is not given is what as many calls take' }),
  ttlSeconds: z.number().int().min(1).max(MAX_TTL_SECONDS).default(DEFAULT_TTL_SECONDS),
})
const returnInput = z.strictObject({
  leaseId: z.string().regex(/^lease_[0-9a-f]{32}$/, 'is no id of a lease'),
  used: amountsInput.default({}).meta({ description: 'in all; a unit that is not given was used up' }),
})
const releaseInput = z.strictObject({ reservationId: reservationIdInput })

const standing = z.object({ id: z.string(), remaining: amountSchema })
const reservationSchema = z.object({
  reservationId: z.string(),
  state: z.string(),
  expiresAt: z.string(),
  budgets: z.array(standing),
  exceeded: z.array(z.string()).optional().meta({ description: 'soft budgets that it did not fit into' }),
  degraded: z.boolean().optional().meta({ description: 'let through unseen, since the ledger did not answer' }),
})
const leaseSchema = z.object({
  leaseId: z.string().meta({ description: 'what spans carry as the attribute spanledger.reservation' }),
  state: z.string(),
  granted: moneySchema.extend({ tokens: z.number(), requests: z.number() }).meta({ description: 'in all' }),
  expiresAt: z.string(),
  budgets: z.array(standing),
})
const decisionSchema = z.object({
  allowed: z.boolean(),
  remaining: amountSchema.nullable().meta({ description: 'of the budget that decides; null: none applies' }),
  decidedBy: z.string().nullable(),
  resetsAt: z.string().nullable(),
  detail: z.string().optional(),
  budgets: z.array(standing.extend({ allowed: z.boolean(), mode: z.string(), resetsAt: z.string().nullable() })),
})

/** Before and after a call: reserve, settle, release, and the mere question whether it would be let through. */
export function decisionRoutes(app: OpenAPIHono<ReaderEnv>, options: BudgetRoutesOptions): void {
  const { ledger, authenticate, now = Date.now } = options
  const fallback = createFallback()

  verb('reserve', reserveInput, 'Hold an amount in every budget that applies, or in none', {
    201: reservationSchema,
    402: problemSchema,
  }).handle(async (caller, input) => {
    const { project } = caller
    const { idempotencyKey, ttlSeconds } = input
    const subject = withKey(input.subject, caller)
    try {
      const amounts = { ...(await ledger.estimate(project, subject.model ?? '')), ...input.amount }
      const result = await ledger.reserve({ project, idempotencyKey, subject, amounts, ttlMs: ttlSeconds * 1000 })
      if (result.kind === 'denied') return denied(result.denying, amounts)
      const exceeded = result.exceeded.map(({ budget }) => budget.id)
      return Response.json(
        { ...reservationJson(result.reservation), ...(exceeded.length > 0 && { exceeded }) },
        { status: 201 },
      )
    } catch (error) {
      if (!isSpanledgerError(error, 'store/unavailable') || !fallback.allows(project, subject)) throw error
      const expiresAt = timeJson(now() + ttlSeconds * 1000)
      return Response.json(
        { reservationId: '', state: 'open', expiresAt, budgets: [], degraded: true },
        { status: 201 },
      )
    }
  })

  verb('settle', settleInput, 'Charge what a reserved call has cost, and let go of the rest', {
    200: reservationSchema,
  }).handle(async ({ project }, { reservationId, amount }) =>
    Response.json(reservationJson(await ledger.settle(project, reservationId, amount))),
  )

  verb('release', releaseInput, 'Let go of a reservation whose call was not made', {
    200: reservationSchema,
  }).handle(async ({ project }, { reservationId }) =>
    Response.json(reservationJson(await ledger.release(project, reservationId))),
  )

  verb('lease', leaseInput, 'Hold a slice of every budget that applies, to be spent without asking; grow or renew it', {
    201: leaseSchema,
    402: problemSchema,
  }).handle(async (caller, { subject: given, idempotencyKey, amount, ttlSeconds }) => {
    const { project } = caller
    const subject = withKey(given, caller)
    const amounts = sliceOf(amount, await ledger.estimate(project, subject.model ?? ''))
    const result = await ledger.lease({ project, idempotencyKey, subject, amounts, ttlMs: ttlSeconds * 1000 })
    if (result.kind === 'denied') return denied(result.denying, amounts)
    return Response.json(leaseJson(result.reservation), { status: 201 })
  })

  verb('return', returnInput, 'Let go of what of a lease was not used', {
    200: leaseSchema,
  }).handle(async ({ project }, { leaseId, used }) =>
    Response.json(leaseJson(await ledger.returnLease(project, leaseId, used))),
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
    const { usd, tokens, attribute: attributes, ...fields } = given.data
    const parsed = amountsInput.safeParse({
      ...(usd !== undefined && { usd }),
      ...(tokens !== undefined && { tokens }),
    })
    if (!parsed.success) return refuseInvalid({ ...parsed, target: 'query' }, c) as Response
    const named = {
      ...fields,
      ...(attributes !== undefined && {
        attributes: Object.fromEntries(attributes.map(({ key, value }) => [key, value])),
      }),
    } as Subject
    const subject = withKey(named, caller)
    try {
      const amounts = { ...(await ledger.estimate(project, subject.model ?? '')), ...parsed.data }
      const balances = await ledger.balances(project, subject)
      fallback.remember(project, await ledger.rules(project))
      return c.json(decisionJson(balances, amounts))
    } catch (error) {
      if (!isSpanledgerError(error, 'store/unavailable') || !fallback.allows(project, subject)) throw error
      return c.json({ allowed: true, remaining: null, decidedBy: null, resetsAt: null, degraded: true, budgets: [] })
    }
  })

  /** `POST /ledger/v1/budgets:verb`, in the OpenAPI document under the path that clients call. */
  function verb<T extends z.ZodType>(
    name: string,
    schema: T,
    summary: string,
    answers: Readonly<Record<number, z.ZodType>>,
  ): { handle(work: (principal: Principal, input: z.output<T>) => Promise<Response>): void } {
    app.openAPIRegistry.registerPath({
      method: 'post',
      path: `/ledger/v1/budgets:${name}`,
      tags: ['budgets'],
      security: [{ [API_KEY_SCHEME]: [] }],
      summary,
      request: { body: { required: true, content: { 'application/json': { schema } } } },
      responses: {
        ...responses('the reservation', reservationSchema, [400, 401, 403, 404, 409, 503]),
        ...Object.fromEntries(
          Object.entries(answers).map(([status, answer]) => [
            status,
            {
              description:
                status === '402' ? 'it does not fit: which budget says so, and when it resets' : 'the reservation',
              content: { [status === '402' ? 'application/problem+json' : 'application/json']: { schema: answer } },
            },
          ]),
        ),
      },
    })
    return {
      handle: (work) => {
        app.post(verbPath(name), async (c) => {
          const principal = await authenticateCaller(authenticate, c)
          const given = schema.safeParse(await readJson(c))
          if (!given.success) return refuseInvalid({ ...given, target: 'json' }, c) as Response
          const response = await work(principal, given.data)
          if (response.status < 400) {
            const rules = await ledger.rules(principal.project).catch(() => undefined)
            if (rules !== undefined) fallback.remember(principal.project, rules)
          }
          return response
        })
      },
    }
  }
}

/** Who asks before calls holds the key it sends spans with; a reader may ask too. */
async function authenticateCaller(authenticate: Authenticate, c: Context): Promise<Principal> {
  const authorization = c.req.header('authorization') ?? null
  try {
    return await authenticate(authorization, 'ingest')
  } catch (error) {
    if (!isSpanledgerError(error, 'auth/forbidden') || c.req.method !== 'GET') throw error
    return await authenticate(authorization, 'read')
  }
}

/** A call is taken to be sent with the key that asks for it, unless another is named. */
function withKey(subject: Subject, { keyId }: Principal): Subject {
  return keyId === '' ? subject : { key: keyId, ...subject }
}

function repeated(c: Context): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(c.req.queries()).map(([key, values]) => [key, values.length === 1 ? (values[0] ?? '') : values]),
  )
}

function reservationJson({ id, state, expiresAt, balances }: Reservation): z.infer<typeof reservationSchema> {
  return {
    reservationId: id,
    state,
    expiresAt: timeJson(expiresAt),
    budgets: balances.map(({ budget, position }) => ({
      id: budget.id,
      remaining: amountJson(budget.unit, position.remaining),
    })),
  }
}

function leaseJson({ id, amounts, ...reservation }: Reservation): z.infer<typeof leaseSchema> {
  const { state, expiresAt, budgets } = reservationJson({ id, amounts, ...reservation })
  const [tokens, requests] = [Number(amounts.tokens), Number(amounts.requests)]
  return { leaseId: id, state, granted: { ...moneyJson(amounts.usd), tokens, requests }, expiresAt, budgets }
}

function decisionJson(
  balances: readonly Balance[],
  amounts: Readonly<Record<Unit, bigint>>,
): z.infer<typeof decisionSchema> {
  const judged = balances.map((balance) => ({ balance, allowed: fits(balance.position, amounts[balance.budget.unit]) }))
  const hard = judged.filter(({ balance }) => balance.budget.mode === 'hard')
  const deciding = hard.find(({ allowed }) => !allowed) ?? hard.toSorted((a, b) => room(a.balance) - room(b.balance))[0]
  const { budget, position } = deciding?.balance ?? {}
  return {
    allowed: deciding?.allowed ?? true,
    remaining: budget === undefined || position === undefined ? null : amountJson(budget.unit, position.remaining),
    decidedBy: budget?.id ?? null,
    resetsAt: position === undefined ? null : timeJsonOrNull(endOrNull(position.end)),
    ...(deciding?.allowed === false && { detail: reason(deciding.balance, amounts) }),
    budgets: judged.map(({ balance, allowed }) => ({
      id: balance.budget.id,
      mode: balance.budget.mode,
      allowed: allowed || balance.budget.mode !== 'hard',
      remaining: amountJson(balance.budget.unit, balance.position.remaining),
      resetsAt: timeJsonOrNull(endOrNull(balance.position.end)),
    })),
  }
}

/** The share of its allowance that a budget still has. */
function room({ position }: Balance): number {
  return position.allowance > 0n ? Number(position.remaining) / Number(position.allowance) : 0
}

/** 402: which budget refuses, what it allows, what is spent, and when that changes. */
function denied(denying: readonly Balance[], amounts: Amounts): Response {
  const first = denying[0] as Balance
  const { budget, position } = first
  return problem(402, `budget: ${reason(first, amounts)}`, {
    code: 'budget/denied',
    members: {
      budget: budget.id,
      limit: amountJson(budget.unit, budget.limit),
      allowance: amountJson(budget.unit, position.allowance),
      spent: amountJson(budget.unit, position.spent),
      reserved: amountJson(budget.unit, position.reserved),
      remaining: amountJson(budget.unit, position.remaining),
      requested: amountJson(budget.unit, amounts[budget.unit] ?? 0n),
      resetsAt: timeJsonOrNull(endOrNull(position.end)),
      budgets: denying.map((balance) => balance.budget.id),
    },
  })
}

function reason({ budget, position }: Balance, amounts: Amounts): string {
  const say = (amount: bigint) => amountText(budget.unit, amount)
  const period = typeof budget.period === 'object' ? `per ${budget.period.rollingSeconds} s` : periodWord(budget.period)
  const end = timeJsonOrNull(endOrNull(position.end))
  return (
    `"${budget.id}" allows ${say(position.allowance)} ${period}; ${say(position.spent)} are spent and ` +
    `${say(position.reserved)} reserved, so ${say(amounts[budget.unit] ?? 0n)} more do not fit` +
    (end === null ? '; it never resets' : `; it resets at ${end}`)
  )
}

function periodWord(period: string): string {
  return period === 'total' ? 'in total' : `per ${period}`
}
