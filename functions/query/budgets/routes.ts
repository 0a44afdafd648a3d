import { OpenAPIHono } from '@hono/zod-openapi'
import type { Authenticate } from '../../../shared/auth/authenticate.ts'
import type { BackfillReader } from '../../../shared/budgets/backfill.ts'
import type { BudgetLedger } from '../../../shared/budgets/ledger.ts'
import { checkJsonBody } from '../../../shared/http/json-body.ts'
import { handleProblems } from '../../../shared/http/problem.ts'
import type { Reach } from '../../../shared/http/reach.ts'
import type { Log } from '../../../shared/log.ts'
import type { ReaderEnv } from '../principal.ts'
import { administrationRoutes } from './administration.ts'
import { backtestRoute } from './backtest.ts'
import { decisionRoutes } from './decisions.ts'
import type { FallbackOptions } from './fallback.ts'
import { leaseRoutes } from './leases.ts'
import { refuseInvalid, verbPath } from './verb.ts'

export interface BudgetRoutesOptions extends FallbackOptions {
  readonly ledger: BudgetLedger
  readonly authenticate: Authenticate
  /** Where the spend from before a budget was made is found; without, budgets begin with nothing spent. */
  readonly reader?: BackfillReader
  readonly log?: Log
  /** Where alerts may go: what a target's address shows to be beyond is refused. @defaultValue `private` */
  readonly alertReach?: Reach
}

/** Every body is small. */
const MAX_BODY_BYTES = 64 * 1024

/** Budgets: `/ledger/v1/budgets…`, by their full paths. */
export function createBudgetRoutes(options: BudgetRoutesOptions): OpenAPIHono<ReaderEnv> {
  const app = new OpenAPIHono<ReaderEnv>({ defaultHook: refuseInvalid })
  handleProblems(app, options.log)
  const check = checkJsonBody({ maxBytes: MAX_BODY_BYTES, code: 'budget/invalid' })
  // On no other path: it would hold for all that is mounted beside.
  for (const path of ['/ledger/v1/budgets/*', verbPath('.+')]) app.use(path, ...check)
  decisionRoutes(app, options)
  leaseRoutes(app, options)
  backtestRoute(app, options)
  administrationRoutes(app, options)
  return app
}
