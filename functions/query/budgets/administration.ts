import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { keepSecrets } from '../../../shared/budgets/alert-target.ts'
import { createBackfills } from '../../../shared/budgets/backfill.ts'
import {
  ANY_VERSION,
  type BudgetTerms,
  budgetVersion,
  grantId,
  hasGrant,
  NO_VERSION,
} from '../../../shared/budgets/budget.ts'
import { isSpanledgerError, SpanledgerError } from '../../../shared/errors.ts'
import { etagOf, versionOf } from '../../../shared/http/etag.ts'
import { addressOf, mayReach } from '../../../shared/http/reach.ts'
import { DEFAULT_PAGE_SIZE, fromToken, nextPageSchema, pageParameters, toToken } from '../page.ts'
import { type ReaderEnv, requireScope } from '../principal.ts'
import { API_KEY_SCHEME, errorsWithKey, noParameters, readRoute, responses, WITH_BODY } from '../route.ts'
import { budgetJson, budgetSchema, entryJson, entrySchema, forecastJson, forecastSchema } from './budget-json.ts'
import type { BudgetRoutesOptions } from './routes.ts'
import { budgetIdInput, keyedGrantInput, noteInput, termsInput } from './terms-json.ts'

const TAG = 'budgets'
const idParameters = z.object({ id: budgetIdInput })
const body = <T extends z.ZodType>(schema: T) => ({
  required: true as const,
  content: { 'application/json': { schema } },
})

/** Budgets themselves: make, change, list, delete; grants, resets and the history. */
export function administrationRoutes(app: OpenAPIHono<ReaderEnv>, options: BudgetRoutesOptions): void {
  const { ledger, authenticate, reader, log, alertReach = 'private', now = Date.now } = options
  const backfills = createBackfills({ ledger, reader, now, log })
  const admin = {
    tags: [TAG],
    security: [{ [API_KEY_SCHEME]: [] }],
    middleware: requireScope(authenticate, 'admin'),
  }

  app.openapi(
    createRoute({
      ...readRoute(authenticate, TAG),
      path: '/ledger/v1/budgets',
      summary: 'Budgets and where they stand, by id',
      request: { query: z.strictObject(pageParameters) },
      responses: responses('budgets', z.object({ budgets: z.array(budgetSchema), ...nextPageSchema })),
    }),
    async (c) => {
      const { pageSize = DEFAULT_PAGE_SIZE, pageToken } = c.req.valid('query')
      const { project } = c.get('principal')
      const place = placesOf('budgets', project)
      const { items, next } = await ledger.list(project, { pageSize, ...place.after(pageToken) })
      return c.json({ budgets: items.map(budgetJson), ...place.next(next) }, 200)
    },
  )

  app.openapi(
    createRoute({
      ...readRoute(authenticate, TAG),
      path: '/ledger/v1/budgets/{id}',
      summary: 'A budget and where it stands',
      request: { params: idParameters, query: noParameters },
      responses: responses('the budget', budgetSchema, [404]),
    }),
    async (c) => {
      const balance = await ledger.get(c.get('principal').project, c.req.valid('param').id)
      // One that was cut off by a restart goes on when someone looks.
      void backfills.run(balance.budget)
      c.header('etag', etagOf(budgetVersion(balance.budget)))
      return c.json(budgetJson(balance), 200)
    },
  )

  app.openapi(
    createRoute({
      ...readRoute(authenticate, TAG),
      path: '/ledger/v1/budgets/{id}/forecast',
      summary: 'When it will be used up at the pace of its period so far',
      request: { params: idParameters, query: noParameters },
      responses: responses('the forecast', forecastSchema, [404]),
    }),
    async (c) =>
      c.json(forecastJson(await ledger.get(c.get('principal').project, c.req.valid('param').id), now()), 200),
  )

  app.openapi(
    createRoute({
      ...admin,
      method: 'put',
      path: '/ledger/v1/budgets/{id}',
      summary: 'Make or change a budget',
      description:
        'Changing the limit never touches what is spent. Changing selector, unit, period or time zone asks another question: ' +
        'what is spent is then counted anew, from stored spans and those to come.',
      request: {
        params: idParameters,
        query: noParameters,
        headers: z.object({ 'if-match': ifMatchInput, 'if-none-match': ifNoneMatchInput }),
        body: body(termsInput),
      },
      responses: {
        ...responses('the budget as changed', budgetSchema, [412, ...WITH_BODY]),
        201: { description: 'the budget as made', content: { 'application/json': { schema: budgetSchema } } },
      },
    }),
    async (c) => {
      const { project, keyId } = c.get('principal')
      const { id } = c.req.valid('param')
      const terms = await complete(project, id, c.req.valid('json'))
      const { 'if-none-match': none, 'if-match': version = none } = c.req.valid('header')
      const { balance, created } = await ledger.put(project, id, terms, keyId, version)
      await backfills.run(balance.budget)
      const after = await ledger.get(project, id)
      c.header('etag', etagOf(budgetVersion(after.budget)))
      return c.json(budgetJson(after), created ? 201 : 200)
    },
  )

  app.openapi(
    createRoute({
      ...admin,
      method: 'delete',
      path: '/ledger/v1/budgets/{id}',
      summary: 'Delete a budget; its history stays',
      request: { params: idParameters, query: noParameters },
      responses: { 204: { description: 'it is gone' }, ...errorsWithKey([404]) },
    }),
    async (c) => {
      const { project, keyId } = c.get('principal')
      await ledger.delete(project, c.req.valid('param').id, keyId)
      return c.body(null, 204)
    },
  )

  app.openapi(
    createRoute({
      ...admin,
      method: 'post',
      path: '/ledger/v1/budgets/{id}/grants',
      summary: 'Add funds on top of the limit, for spend between two times',
      description: 'Grants pay before the limit does, the one that expires first first.',
      request: { params: idParameters, query: noParameters, body: body(keyedGrantInput) },
      responses: responses('the budget', budgetSchema, [404, ...WITH_BODY]),
    }),
    async (c) => {
      const { project, keyId } = c.get('principal')
      const { id } = c.req.valid('param')
      const { unit, amount, from = now(), to, note, idempotencyKey } = c.req.valid('json')
      const before = await ledger.get(project, id)
      const { budget } = before
      const known = idempotencyKey === undefined ? undefined : grantId(project, id, idempotencyKey)
      if (known !== undefined && hasGrant(budget, known)) return c.json(budgetJson(before), 200)
      if (unit !== budget.unit)
        throw new SpanledgerError('budget/invalid', `amount: must be in ${budget.unit}, as the limit is`)
      if (from < now() - CLOCK_SKEW_MS) {
        throw new SpanledgerError(
          'budget/invalid',
          'validFrom: must not be in the past, for what was spent then is paid',
        )
      }
      if (to <= from || to <= now())
        throw new SpanledgerError('budget/invalid', 'validTo: must be after validFrom and now')
      // Spend of before has been counted where no grant pays for it.
      const grant = { amount, from: Math.max(from, now()), to, note }
      return c.json(budgetJson(await ledger.grant(project, id, grant, keyId, known)), 200)
    },
  )

  app.openapi(
    createRoute({
      ...admin,
      method: 'delete',
      path: '/ledger/v1/budgets/{id}/grants/{grantId}',
      summary: 'End a grant now; what it has paid stays paid',
      request: { params: idParameters.extend({ grantId: z.uuid() }), query: noParameters },
      responses: responses('the budget', budgetSchema, [404]),
    }),
    async (c) => {
      const { project, keyId } = c.get('principal')
      const { id, grantId } = c.req.valid('param')
      return c.json(budgetJson(await ledger.revokeGrant(project, id, grantId, keyId)), 200)
    },
  )

  app.openapi(
    createRoute({
      ...admin,
      method: 'post',
      path: '/ledger/v1/budgets/{id}/reset',
      summary: 'Begin the current period anew with nothing spent',
      description:
        'What began before counts no more, whenever it comes and whatever is corrected or settled of it then.',
      request: {
        params: idParameters,
        query: noParameters,
        body: { ...body(z.strictObject({ note: noteInput })), required: false },
      },
      responses: responses('the budget', budgetSchema, [404, ...WITH_BODY]),
    }),
    async (c) => {
      const { project, keyId } = c.get('principal')
      return c.json(
        budgetJson(await ledger.reset(project, c.req.valid('param').id, keyId, c.req.valid('json').note ?? '')),
        200,
      )
    },
  )

  app.openapi(
    createRoute({
      ...readRoute(authenticate, TAG),
      path: '/ledger/v1/budgets/{id}/entries',
      summary: 'The history of a budget, latest first; also of one that was deleted',
      description:
        'Debits share entries: those of a minute, on Firestore those of a period. The amounts of all entries add up to what is spent, ' +
        'but for what was said after a reset of what began before it.',
      request: { params: idParameters, query: z.strictObject(pageParameters) },
      responses: responses('entries', z.object({ entries: z.array(entrySchema), ...nextPageSchema }), [404]),
    }),
    async (c) => {
      const { project } = c.get('principal')
      const { id } = c.req.valid('param')
      const { pageSize = DEFAULT_PAGE_SIZE, pageToken } = c.req.valid('query')
      const place = placesOf('entries', project, id)
      const { items, next } = await ledger.entries(project, id, { pageSize, ...place.after(pageToken) })
      return c.json({ entries: items.map(entryJson), ...place.next(next) }, 200)
    },
  )

  /** Who changes a budget can read no secret to send it again: what is left out stays. */
  async function complete(project: string, id: string, terms: BudgetTerms): Promise<BudgetTerms> {
    if (terms.alerts.length === 0) return terms
    for (const { url } of terms.alerts) {
      const address = addressOf(new URL(url))
      if (address !== undefined && !mayReach(address, alertReach))
        throw new SpanledgerError('budget/invalid', `alerts: ${address} is an address that alerts may not go to`)
    }
    const former = await ledger.get(project, id).catch((error) => {
      if (isSpanledgerError(error, 'budget/not-found')) return undefined
      throw error
    })
    return { ...terms, alerts: keepSecrets(terms.alerts, former?.budget.alerts ?? []) }
  }
}

/** The version that an `If-Match` names; undefined where any will do. */
const ifMatchInput = z
  .string()
  .max(64)
  .optional()
  .transform((header) => (header?.trim() === '*' ? ANY_VERSION : versionOf(header)))
  .meta({
    type: 'string',
    description:
      'the ETag of the budget that is to be changed: refused if it has been changed since; `*`: if there is none',
  })
const ifNoneMatchInput = z
  .literal('*')
  .optional()
  .transform((header) => (header === undefined ? undefined : NO_VERSION))
  .meta({ description: '`*`: refused if there is such a budget' })

/** How far a caller's clock may be behind. */
const CLOCK_SKEW_MS = 60_000

const PLACE = /^[\w.-]{1,200}$/

/** The pages of a list, each told from those of every other. */
function placesOf(...list: readonly string[]) {
  const read = (token: string) => fromToken(token, list, PLACE, 'budget/invalid')
  return {
    after: (token: string | undefined) => (token === undefined ? {} : { after: read(token) }),
    next: (place: string | null) => (place === null ? {} : { nextPageToken: toToken(place, list) }),
  }
}
