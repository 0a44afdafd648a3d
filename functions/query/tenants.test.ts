import { expect, test } from 'vitest'
import { openTestApp, query, sampleSpan, spanIdOf, traceIdOf } from './test-app.ts'

/** Two projects whose spans share every id and time, and differ in each word. */
const spansOf = (project: string) =>
  [1, 2, 3].map((n) =>
    sampleSpan(
      { traceId: traceIdOf(n), spanId: spanIdOf(n), name: `${project} name`, service: `${project} service` },
      {
        operation: `${project} operation`,
        provider: `${project} provider`,
        model: `${project} model`,
        userId: `${project} user`,
        sessionId: `${project} session`,
        environment: `${project} environment`,
        costPicoUsd: 1_000n,
        costStatus: 'priced',
      },
    ),
  )

interface Document {
  paths: Record<string, Record<string, { parameters?: { name: string; in: string }[]; security?: unknown[] }>>
}

async function open() {
  const test = await openTestApp({
    acme: spansOf('acme'),
    globex: [...spansOf('globex'), sampleSpan({ traceId: traceIdOf(4) })],
  })
  const document = (await (await test.app.request('/ledger/v1/openapi.json')).json()) as Document
  const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, route]) => ({ path, method: method.toUpperCase(), ...route })),
  )
  return { ...test, routes, guarded: routes.filter(({ path }) => path.startsWith('/ledger/')) }
}

const fill = (path: string) => path.replace('{traceId}', traceIdOf(1))

test('through no route does a project see anything of another: every answer is as if it were alone', async () => {
  const { request, guarded } = await open()
  const alone = await openTestApp({ acme: spansOf('acme') })
  let asked = 0
  let found = 0
  for (const { path, method, parameters = [] } of guarded) {
    const questions = [
      '',
      ...parameters.filter((parameter) => parameter.in === 'query').flatMap(({ name }) => hostile(name)),
    ]
    for (const question of questions) {
      const url = `${fill(path)}${question}`
      const answers = [await request(url, 'acme', { method }), await alone.request(url, 'acme', { method })] as const
      const [together, single] = [await answers[0].text(), await answers[1].text()]
      expect([answers[0].status, together], `${method} ${url}`).toStrictEqual([answers[1].status, single])
      asked++
      if (together.includes('acme')) found++
    }
  }
  expect(asked).toBeGreaterThan(300)
  expect(found).toBeGreaterThan(20)
})

/** Questions that would find something of the other project, or everything, if they could. */
function hostile(name: string): string[] {
  const values = [
    ...[
      'globex',
      `globex ${name}`,
      `acme ${name}`,
      `service.name=globex service`,
      "' OR project_id = 'globex",
      '%',
      '',
    ],
    ...[traceIdOf(1), traceIdOf(4), '0', '-cost', '2000-01-01T00:00:00Z', 'model,user', '1h', 'CLIENT', 'priced'],
  ]
  return values.map((value) => query({ [name]: value }))
}

test('a trace of another project is not there, like one that never was', async () => {
  const { request } = await open()
  const theirs = await request(`/ledger/v1/traces/${traceIdOf(4)}`, 'acme')
  const nobodys = await request(`/ledger/v1/traces/${traceIdOf(5)}`, 'acme')
  expect([theirs.status, nobodys.status]).toStrictEqual([404, 404])
  expect((await theirs.text()).replace(traceIdOf(4), '')).toBe((await nobodys.text()).replace(traceIdOf(5), ''))
  expect((await request(`/ledger/v1/traces/${traceIdOf(4)}`, 'globex')).status).toBe(200)
})

test('a page token of another project, query or list is refused', async () => {
  const { request, get } = await open()
  for (const list of ['traces', 'spans']) {
    const path = `/ledger/v1/${list}?sort=cost&pageSize=1`
    const { nextPageToken } = await get<{ nextPageToken: string }>(path, 'acme')
    const status = async (url: string, project: string) =>
      (await request(`${url}&pageToken=${nextPageToken}`, project)).status
    expect(await status(path, 'acme')).toBe(200)
    expect(await status(`/ledger/v1/${list}?sort=cost&pageSize=2`, 'acme')).toBe(200)
    expect(await status(path, 'globex')).toBe(400)
    expect(await status(`${path}&model=acme+model`, 'acme')).toBe(400)
    expect(await status(`/ledger/v1/${list}?sort=-cost&pageSize=1`, 'acme')).toBe(400)
    expect(await status(path.replace(list, list === 'traces' ? 'spans' : 'traces'), 'acme')).toBe(400)
    const { nextPageToken: last } = await get<{ nextPageToken?: string }>(`/ledger/v1/${list}?pageSize=3`, 'acme')
    expect(last).toBeUndefined()
  }
})

test('every route of the ledger asks for a key with the scope to read; none takes another', async () => {
  const { app, keyOf, guarded } = await open()
  const noScope = `Bearer ${await keyOf('acme', ['ingest', 'admin'])}`
  for (const { path, method, security } of guarded) {
    const status = async (authorization?: string) =>
      (await app.request(fill(path), { method, ...(authorization && { headers: { authorization } }) })).status
    expect(security, path).toStrictEqual([{ apiKey: [] }])
    expect(await status(), path).toBe(401)
    expect(await status('Bearer slk_0000000000000000.AAAA'), path).toBe(401)
    expect(await status(noScope), path).toBe(403)
  }
})

test('who has no key learns nothing of what a route takes', async () => {
  const { app } = await open()
  const response = await app.request('/ledger/v1/spans?from=x&bogus=1')
  expect(response.status).toBe(401)
  expect(response.headers.get('www-authenticate')).toBe('Bearer realm="spanledger"')
  expect(await response.text()).not.toContain('bogus')
})
