import { type OpenAPIHono, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { Authenticate, Principal } from '../../../shared/auth/authenticate.ts'
import type { Subject } from '../../../shared/budgets/selector.ts'
import { isSpanledgerError, SpanledgerError } from '../../../shared/errors.ts'
import type { ReaderEnv } from '../principal.ts'
import { API_KEY_SCHEME, errorsWithKey, noParameters, refuse, WITH_BODY } from '../route.ts'

/** How long a reservation or lease lives. */
export const ttlInput = z.number().int().min(1).max(86_400).default(300)

/** {@link refuse} for budgets. */
export const refuseInvalid = refuse('budget/invalid')

/** A verb of a collection has a colon in its path, which Hono takes for a parameter unless the whole segment is one. */
export function verbPath(verb: string): string {
  return `/ledger/v1/:verb{budgets:${verb}}`
}

/** What a request without parameters says in its body, read by `schema`, or why not. Throws `budget/invalid` for no JSON. */
export async function readInput<T extends z.ZodType>(
  c: Context,
  schema: T,
): Promise<{ readonly data: z.output<T> } | { readonly refusal: Response }> {
  const query = noParameters.safeParse(c.req.query())
  const given = query.success ? schema.safeParse(await readJson(c)) : query
  return given.success
    ? { data: given.data as z.output<T> }
    : { refusal: refuseInvalid({ ...given, target: 'json' }, c) as Response }
}

async function readJson(c: Context): Promise<unknown> {
  try {
    return await c.req.json()
  } catch (error) {
    throw new SpanledgerError('budget/invalid', 'the body is not valid JSON', { cause: error })
  }
}

/** Makes `POST /ledger/v1/budgets:verb`. */
export type Verb = <T extends z.ZodType>(
  name: string,
  input: T,
  summary: string,
  /** By status. */
  answers: Readonly<Record<number, z.ZodType>>,
) => { handle(work: (caller: Principal, input: z.output<T>) => Promise<Response>): void }

/** Verbs of `app`, in the OpenAPI document under the paths that clients call. */
export function createVerbs(app: OpenAPIHono<ReaderEnv>, authenticate: Authenticate): Verb {
  return (name, schema, summary, answers) => {
    const shown = Object.entries(answers).map(([status, answer]) => {
      const isDenied = status === '402'
      const description = isDenied ? 'it does not fit: which budget says so, and when it resets' : 'as it is now'
      const type = isDenied ? 'application/problem+json' : 'application/json'
      return [status, { description, content: { [type]: { schema: answer } } }]
    })
    app.openAPIRegistry.registerPath({
      method: 'post',
      path: `/ledger/v1/budgets:${name}`,
      tags: ['budgets'],
      security: [{ [API_KEY_SCHEME]: [] }],
      summary,
      request: { body: { required: true, content: { 'application/json': { schema } } } },
      responses: { ...Object.fromEntries(shown), ...errorsWithKey([404, 409, ...WITH_BODY]) },
    })
    return {
      handle: (work) => {
        app.post(verbPath(name), async (c) => {
          const caller = await authenticateCaller(authenticate, c)
          const input = await readInput(c, schema)
          return 'refusal' in input ? input.refusal : work(caller, input.data)
        })
      },
    }
  }
}

/** Who asks before calls holds the key it sends spans with; a reader may ask too. */
export async function authenticateCaller(authenticate: Authenticate, c: Context): Promise<Principal> {
  const authorization = c.req.header('authorization') ?? null
  try {
    return await authenticate(authorization, 'ingest')
  } catch (error) {
    if (!isSpanledgerError(error, 'auth/forbidden') || c.req.method !== 'GET') throw error
    return await authenticate(authorization, 'read')
  }
}

/** A call is taken to be sent with the key that asks for it, unless another is named. */
export function withKey(subject: Subject, { keyId }: Principal): Subject {
  return keyId === '' ? subject : { key: keyId, ...subject }
}
