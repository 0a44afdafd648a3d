import { afterEach, beforeEach } from 'vitest'
import type { BudgetLedger } from '../../../shared/budgets/ledger.ts'
import { openSqliteLedger } from '../../../shared/budgets/sqlite-ledger.ts'
import { SpanledgerError } from '../../../shared/errors.ts'
import { type BudgetRoutesOptions, createBudgetRoutes } from './routes.ts'

export const NOW = Date.UTC(2026, 0, 31, 12)
export const BUDGETS = '/ledger/v1/budgets'

export interface Answer {
  readonly status: number
  readonly type: string | null
  readonly body: AnswerBody
}

/** The members that tests look into by themselves; an answer has those of its route. */
export interface AnswerBody {
  readonly code: string
  readonly detail: string
  readonly reservationId: string
  readonly leaseId: string
  readonly budgets: readonly unknown[]
  readonly limit: ShownAmount
  readonly spent: ShownAmount
  readonly reserved: ShownAmount
  readonly granted: ShownAmount
  readonly alerts: readonly { readonly kind: string; readonly url: string }[]
  readonly grants: readonly { readonly id: string }[]
  readonly entries: readonly { readonly kind: string }[]
  readonly nextPageToken?: string
}

interface ShownAmount {
  readonly picoUsd: string
  readonly usd: number
  readonly requests: number
}

/** The routes over a ledger in memory, from {@link NOW} on, new for each test of the file, asked with the key `key1` unless told otherwise. */
export interface TestRoutes {
  readonly ledger: BudgetLedger
  /** Of ledger and routes, in milliseconds since 1970. */
  now: number
  /** Which requests fail from now on as if the ledger did not answer. */
  down: boolean
  /** As `fetch`. */
  request(path: string, init: RequestInit): Promise<Response>
  /** Opens the routes anew. */
  open(options: Partial<BudgetRoutesOptions>): void
  /** `authorization`: `ingest` or `read` for a key with just that scope. */
  call(method: string, path: string, body?: unknown, authorization?: string): Promise<Answer>
  put(id: string, terms: object): Promise<Answer>
  reserve(input: object): Promise<Answer>
}

export function useTestRoutes(): TestRoutes {
  let ledger: BudgetLedger
  let app: ReturnType<typeof createBudgetRoutes>

  const call: TestRoutes['call'] = async (method, path, body, authorization) => {
    const response = await app.request(path, {
      method,
      headers: { 'content-type': 'application/json', ...(authorization !== undefined && { authorization }) },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    const type = response.headers.get('content-type')
    return { status: response.status, type, body: JSON.parse(text === '' ? '{}' : text) }
  }
  const routes: TestRoutes = {
    get ledger() {
      return ledger
    },
    now: NOW,
    down: false,
    open(options) {
      const breaking = new Proxy(ledger, {
        get:
          (target, name: keyof BudgetLedger) =>
          (...args: never[]) =>
            routes.down
              ? Promise.reject(new SpanledgerError('store/unavailable', 'the budget ledger does not answer'))
              : (target[name] as (...given: never[]) => unknown)(...args),
      })
      const authenticate: BudgetRoutesOptions['authenticate'] = async (authorization, scope) => {
        if (authorization === 'ingest' && scope !== 'ingest') throw new SpanledgerError('auth/forbidden', 'no')
        if (authorization === 'read' && scope !== 'read') throw new SpanledgerError('auth/forbidden', 'no')
        return { project: 'p', keyId: 'key1', scopes: [] }
      }
      app = createBudgetRoutes({ ledger: breaking, now: () => routes.now, authenticate, ...options })
    },
    request: async (path, init) => app.request(path, init),
    call,
    put: (id, terms) => call('PUT', `${BUDGETS}/${id}`, terms),
    reserve: (input) => call('POST', `${BUDGETS}:reserve`, input),
  }
  beforeEach(() => {
    routes.now = NOW
    routes.down = false
    ledger = openSqliteLedger({ path: ':memory:', now: () => routes.now })
    routes.open({})
  })
  afterEach(() => ledger.close())
  return routes
}
