import { type OpenAPIHono, z } from '@hono/zod-openapi'
import { sliceOf } from '../../../shared/budgets/lease.ts'
import { problemSchema } from '../../../shared/http/problem.ts'
import type { ReaderEnv } from '../principal.ts'
import { amountsInput } from './amount-json.ts'
import { denied, leaseJson, leaseSchema } from './decision-json.ts'
import type { BudgetRoutesOptions } from './routes.ts'
import { idempotencyKeyInput, subjectInput } from './terms-json.ts'
import { createVerbs, ttlInput, withKey } from './verb.ts'

const leaseInput = z.strictObject({
  idempotencyKey: idempotencyKeyInput.meta({ description: 'of one lease: again with a larger amount it grows' }),
  subject: subjectInput.default({}),
  amount: amountsInput
    .refine((amounts) => Object.keys(amounts).length > 0, 'must be at least one of {usd}, {tokens} and {requests}')
    .meta({ description: 'in all, what was granted before included; what is not given is what as many calls take' }),
  ttlSeconds: ttlInput,
})
const returnInput = z.strictObject({
  leaseId: z.string().regex(/^lease_[0-9a-f]{32}$/, 'is no id of a lease'),
  used: amountsInput.default({}).meta({ description: 'in all; a unit that is not given was used up' }),
})

/** Slices of budgets that are spent without asking for each call: take, grow, renew, and return them. */
export function leaseRoutes(app: OpenAPIHono<ReaderEnv>, { ledger, authenticate }: BudgetRoutesOptions): void {
  const verb = createVerbs(app, authenticate)

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
}
