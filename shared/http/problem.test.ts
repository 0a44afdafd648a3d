import { Hono } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { expect, test } from 'vitest'
import { type ErrorCode, SpanledgerError } from '../errors.ts'
import type { Log } from '../log.ts'
import { handleProblems, PROBLEM_STATUS, problem, problemFrom, problemSchema } from './problem.ts'

function appThatThrows(error: unknown) {
  const logged: unknown[] = []
  const keep = (entry: unknown) => void logged.push(entry)
  const app = new Hono()
  handleProblems(app, { debug: keep, info: keep, warn: keep, error: keep } as unknown as Log)
  app.get('/thing/:id', () => {
    throw error
  })
  app.put('/thing/:id', (c) => c.text('put'))
  app.post('/other', (c) => c.text('posted'))
  app.use('/thing/*', (_, next) => next())
  return { app, logged }
}

test.each(Object.entries(PROBLEM_STATUS))('%s is %i as problem+json', async (code, status) => {
  const { app } = appThatThrows(
    new SpanledgerError(code as ErrorCode, 'what to do', { cause: new Error('/etc/secret') }),
  )
  const response = await app.request('/thing/1')
  const text = await response.text()
  expect(response.status).toBe(status)
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  expect(problemSchema.parse(JSON.parse(text))).toMatchObject({ type: 'about:blank', status, code })
  expect(text).not.toContain('secret')
  expect(text.includes('what to do')).toBe(status !== 500)
  expect(response.headers.has('www-authenticate')).toBe(status === 401)
  expect(response.headers.has('retry-after')).toBe(status === 503)
})

test.each([
  [402, 'Payment Required'],
  [409, 'Conflict'],
  [413, 'Content Too Large'],
  [431, 'Request Header Fields Too Large'],
])('%i is called %s', async (status, title) => {
  expect(await problem(status, 'why').json()).toMatchObject({ status, title })
})

test.each([
  new Error('SELECT secret FROM t'),
  new TypeError('secret is not a function'),
  new HTTPException(500, { message: 'secret' }),
])('a defect of ours is a 500 that says nothing, and is logged: %s', async (error) => {
  const { app, logged } = appThatThrows(error)
  const response = await app.request('/thing/1')
  expect(response.status).toBe(500)
  expect(await response.text()).not.toContain('secret')
  expect(logged).toStrictEqual([{ err: error }])
})

test.each([
  [400, 'Malformed JSON in request body', 'http/malformed', 'http: the body is not valid JSON'],
  [415, 'Unsupported Media Type', 'http/unsupported-media-type', 'http: send the body as application/json'],
  [418, 'I am a Teapot', undefined, 'i am a teapot'],
] as const)(
  'a refusal of the framework had no code and did not say what to send: %i',
  async (status, message, code, detail) => {
    const { app, logged } = appThatThrows(new HTTPException(status, { message }))
    const response = await app.request('/thing/1')
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ status, detail, ...(code !== undefined && { code }) })
    expect(logged).toStrictEqual([])
  },
)

test('a path or method that nothing answers had no code, and did not say where to look', async () => {
  const { app } = appThatThrows(new Error())
  expect(await (await app.request('/')).json()).toMatchObject({
    code: 'http/not-found',
    detail: expect.stringContaining('/ledger/v1/openapi.json'),
  })
  expect(await (await app.request('/other')).json()).toMatchObject({ code: 'http/method-not-allowed' })
})

test('an unknown path is 404, a known one with another method 405 with what it takes', async () => {
  const { app } = appThatThrows(new Error())
  expect((await app.request('/nothing')).status).toBe(404)
  const response = await app.request('/thing/1', { method: 'DELETE' })
  expect(response.status).toBe(405)
  expect(response.headers.get('allow')).toBe('GET, HEAD, PUT')
  expect((await app.request('/other')).headers.get('allow')).toBe('POST')
  expect((await app.request('/thing/1/deeper', { method: 'DELETE' })).status).toBe(404)
})

test('further members never replace the standard ones', async () => {
  const response = problem(402, 'spent', { code: 'budget/denied', members: { budget: 'b1', status: 200 } })
  expect(await response.json()).toMatchObject({ budget: 'b1', status: 402, title: 'Payment Required' })
})

test('who had to come back later wrote a stack into the log each time; of a store that failed its cause is told', async () => {
  for (const [error, expected] of [
    [new SpanledgerError('query/busy', 'come back'), [{ code: 'query/busy' }]],
    [new SpanledgerError('store/unavailable', 'no', { cause: 'disk' }), [{ code: 'store/unavailable', err: 'disk' }]],
  ] as const) {
    const { app, logged } = appThatThrows(error)
    expect((await app.request('/thing/1')).status).toBe(503)
    expect(logged).toStrictEqual(expected)
  }
})

test('what is not even an error is a 500', () => {
  for (const thrown of [undefined, null, 'text', 42]) expect(problemFrom(thrown).status).toBe(500)
})
