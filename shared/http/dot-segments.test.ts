import { Hono } from 'hono'
import { expect, test } from 'vitest'
import { refuseDotSegments } from './dot-segments.ts'

const app = new Hono().use(refuseDotSegments).all('*', (c) => c.text('reached'))
/** As Node's server hands a request on: the path as it was sent beside the one that is left of it. */
const status = async (sent: string) =>
  (await app.request(new URL(sent, 'http://localhost').href, {}, { incoming: { url: sent } })).status

test.each(['/b/..', '/b/../c', '/b/%2e%2E', '/b/.%2e/x', '/b/.', '/b/..?x', '/b\\..\\c', 'http://h/b/..'])(
  'the id in %s was taken for a step up, and the path said not to exist',
  async (sent) => expect(await status(sent)).toBe(400),
)

test.each(['/', '/b', '/b/a..b', '/b/...', '/b/%2e%2fx', '/b?x=/../', '/b:verb'])('%s is a path', async (sent) =>
  expect(await status(sent)).toBe(200),
)

test('where only the path is known that is left, it is let through', async () => {
  expect((await app.request('/b')).status).toBe(200)
})
