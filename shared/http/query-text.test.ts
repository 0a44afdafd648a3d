import { Hono } from 'hono'
import { expect, test } from 'vitest'
import { handleProblems } from './problem.ts'
import { refuseBrokenEscapes } from './query-text.ts'

const app = new Hono().use(refuseBrokenEscapes).all('*', (c) => c.text(c.req.query('user') ?? ''))
handleProblems(app)

test.each(['?user=J%F6rg', '?user=%', '?user=%zz', '?a=1&user=%e2%82', '?%ff=1', '?user=%ed%a0%80'])(
  '%s asked for a user of just that name, whom no budget was for, instead of being refused',
  async (search) => {
    const response = await app.request(`/b${search}`)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ code: 'http/malformed', detail: expect.stringContaining('%25') })
  },
)

test.each([
  ['', ''],
  ['?', ''],
  ['?user=J%C3%B6rg', 'Jörg'],
  ['?user=100%25', '100%'],
  ['?user=a+b%2Bc&x', 'a b+c'],
  ['?user=ö', 'ö'],
])('%s is read', async (search, user) => {
  expect(await (await app.request(`/b${search}`)).text()).toBe(user)
})
