import { describe, expect, test } from 'vitest'
import { batchOf, debit } from '../../../shared/budgets/ledger.fixtures.ts'
import { openSqliteStore } from '../../../shared/warehouse/sqlite-store.ts'
import { sampleSpan } from '../test-app.ts'
import { BUDGETS, NOW, useTestRoutes } from './test-routes.ts'

const routes = useTestRoutes()
const { call, put, reserve } = routes

describe('administration', () => {
  test('made, shown, changed, listed, deleted', async () => {
    const terms = { selector: { user: 'u1' }, limit: { usd: '0.1' }, period: 'day', timeZone: 'Europe/Zurich' }
    expect(await put('ada', terms)).toMatchObject({ status: 201, body: { id: 'ada', selector: { user: 'u1' } } })
    await debit(routes.ledger, 'm', [{ trace: 1, span: 1, at: NOW, amounts: { usd: 25_000_000_000n } }])
    expect((await call('GET', `${BUDGETS}/ada`)).body).toMatchObject({
      limit: { picoUsd: '100000000000', usd: 0.1 },
      spent: { picoUsd: '25000000000', usd: 0.025 },
      remaining: { usd: 0.075 },
      percent: 25,
      periodName: '2026-01-31',
      periodStart: '2026-01-30T23:00:00Z',
      periodEnd: '2026-01-31T23:00:00Z',
    })
    const changed = await put('ada', { ...terms, limit: { usd: 0.05 } })
    expect(changed).toMatchObject({ status: 200, body: { spent: { usd: 0.025 }, percent: 50 } })
    await put('b', { limit: { tokens: 500 } })
    const first = await call('GET', `${BUDGETS}?pageSize=1`)
    expect(first.body.budgets).toHaveLength(1)
    const second = await call('GET', `${BUDGETS}?pageSize=1&pageToken=${first.body.nextPageToken}`)
    expect(second.body.budgets).toMatchObject([{ id: 'b', limit: { tokens: 500 } }])
    const { body } = await call('GET', `${BUDGETS}/ada/entries`)
    expect(body.entries.map(({ kind }) => kind)).toEqual(['updated', 'debited', 'created'])
    expect(body.entries[0]).toMatchObject({ actor: 'key1', note: 'limit 0.1 USD -> 0.05 USD' })
    const pages: string[] = []
    for (let token = ''; pages.length < 9; ) {
      const page = (await call('GET', `${BUDGETS}/ada/entries?pageSize=2${token}`)).body
      pages.push(...page.entries.map(({ kind }) => kind))
      if (page.nextPageToken === undefined) break
      token = `&pageToken=${page.nextPageToken}`
    }
    expect(pages).toEqual(['updated', 'debited', 'created'])
    for (const forged of ['x', Buffer.from('abc').toString('base64url'), Buffer.from('../x').toString('base64url')])
      expect((await call('GET', `${BUDGETS}/ada/entries?pageToken=${forged}`)).status).toBe(400)
    expect((await call('DELETE', `${BUDGETS}/ada`)).status).toBe(204)
    expect(await call('GET', `${BUDGETS}/ada`)).toMatchObject({ status: 404, type: 'application/problem+json' })
  })

  test('a condition on there being a budget, or none, was not heeded', async () => {
    const statusOf = async (id: string, headers: Record<string, string>) => {
      const body = JSON.stringify({ limit: { usd: id.length } })
      const init = { method: 'PUT', headers: { 'content-type': 'application/json', ...headers }, body }
      return (await routes.request(`${BUDGETS}/${id}`, init)).status
    }
    await put('b', { limit: { usd: 5 } })
    expect(await statusOf('b', { 'if-none-match': '*' })).toBe(412)
    expect(await statusOf('new', { 'if-match': '*' })).toBe(412)
    expect(await statusOf('new', { 'if-none-match': '*' })).toBe(201)
    expect(await statusOf('b', { 'if-match': ' * ' })).toBe(200)
    expect(await statusOf('b', { 'if-none-match': '"x"' })).toBe(400)
  })

  test('the token of another list, or of another history, was taken for a place in this one', async () => {
    for (const id of ['a', 'b', 'c']) {
      await put(id, { limit: { usd: 1 } })
      await put(id, { limit: { usd: 2 } })
    }
    const tokenOf = async (path: string) => (await call('GET', `${BUDGETS}${path}?pageSize=1`)).body.nextPageToken
    const [list, history] = [await tokenOf(''), await tokenOf('/a/entries')]
    const statusOf = async (path: string, token = '') =>
      (await call('GET', `${BUDGETS}${path}?pageToken=${token}`)).status
    expect([await statusOf('', list), await statusOf('/a/entries', history)]).toEqual([200, 200])
    expect([await statusOf('', history), await statusOf('/a/entries', list)]).toEqual([400, 400])
    expect(await statusOf('/b/entries', history)).toBe(400)
  })

  test('who changes what somebody else has changed meanwhile is told, if they ask', async () => {
    await put('b', { limit: { usd: 1 } })
    const etag = (await routes.request(`${BUDGETS}/b`, {})).headers.get('etag') ?? ''
    const change = async (usd: number, match: string) => {
      const headers = { 'content-type': 'application/json', 'if-match': match }
      const init = { method: 'PUT', headers, body: JSON.stringify({ limit: { usd } }) }
      const response = await routes.request(`${BUDGETS}/b`, init)
      return [response.status, ((await response.json()) as { code?: string }).code]
    }
    expect(await change(2, etag)).toEqual([200, undefined])
    expect(await change(3, etag)).toEqual([412, 'budget/changed'])
    expect(await change(4, '*')).toEqual([200, undefined])
  })

  test('the ETag of a compressed answer, which is weak, was taken for that of a former budget', async () => {
    await put('b', { limit: { usd: 1 } })
    const etag = (await routes.request(`${BUDGETS}/b`, {})).headers.get('etag') ?? ''
    const headers = { 'content-type': 'application/json', 'if-match': `W/${etag}` }
    const change = async (usd: number) => {
      const init = { method: 'PUT', headers, body: JSON.stringify({ limit: { usd } }) }
      return (await routes.request(`${BUDGETS}/b`, init)).status
    }
    expect([await change(2), await change(3)]).toEqual([200, 412])
  })

  test('the history of a deleted budget could not be read, and amounts of its earlier unit were shown in its last', async () => {
    await put('b', { limit: { usd: 1 } })
    const { body } = await reserve({ idempotencyKey: 'k', amount: { usd: '0.5' } })
    await call('POST', `${BUDGETS}:settle`, { reservationId: body.reservationId, amount: {} })
    await put('b', { limit: { tokens: 10 } })
    await call('DELETE', `${BUDGETS}/b`)
    const { entries } = (await call('GET', `${BUDGETS}/b/entries`)).body
    expect(entries).toMatchObject([
      { kind: 'deleted', amount: { tokens: 0 } },
      { kind: 'updated', amount: { tokens: 0 } },
      { kind: 'settled', actor: 'key1', amount: { picoUsd: '500000000000', usd: 0.5 } },
      { kind: 'created', amount: { usd: 0 } },
    ])
    expect((await call('GET', `${BUDGETS}/never/entries`)).status).toBe(404)
  })

  test('a whole-number limit stays what it is (lessons: budgets 5)', async () => {
    await put('b', { limit: { usd: 1 } })
    expect((await call('GET', `${BUDGETS}/b`)).body.limit).toEqual({ picoUsd: '1000000000000', usd: 1 })
    expect((await put('b', { limit: (await call('GET', `${BUDGETS}/b`)).body.limit })).body.limit.usd).toBe(1)
  })

  test('what lets anyone post to a target is never shown, and stays when it is not given again', async () => {
    const hook = { kind: 'webhook', url: 'https://example.com/hook' }
    const slack = { kind: 'slack', url: 'https://hooks.slack.com/services/T0/B0/t0ken' }
    const { body } = await put('b', { limit: { usd: 1 }, alerts: [{ ...hook, secret: 's3cret' }, slack] })
    expect(body.alerts).toMatchObject([
      { kind: 'webhook', signed: true },
      { kind: 'slack', signed: false },
    ])
    const shown = body.alerts.map(({ kind, url }) => ({ kind, url }))
    const kept = [
      { ...hook, secret: 's3cret' },
      { ...slack, secret: '' },
    ]
    for (const alerts of [[hook, slack], shown]) {
      expect((await put('b', { limit: { usd: 2 }, alerts })).status).toBe(200)
      expect((await routes.ledger.get('p', 'b')).budget.alerts).toEqual(kept)
    }
    expect((await put('other', { limit: { usd: 2 }, alerts: shown })).status).toBe(400)
    const answers = [body, (await call('GET', BUDGETS)).body, (await call('GET', `${BUDGETS}/b/entries`)).body]
    expect(JSON.stringify(answers)).not.toMatch(/s3cret|t0ken|example\.com\/hook/)
  })

  test('a target at an address that alerts may not go to is refused', async () => {
    const to = (url: string) => put('b', { limit: { usd: 1 }, alerts: [{ kind: 'webhook', url }] })
    expect((await to('http://169.254.169.254/x')).status).toBe(400)
    expect((await to('http://127.0.0.1:8080/x')).status).toBe(201)
    routes.open({ alertReach: 'public' })
    for (const url of ['http://127.0.0.1/', 'http://[::1]/', 'http://2130706433/', 'https://10.0.0.1/x'])
      expect(await to(url)).toMatchObject({ status: 400, body: { code: 'budget/invalid' } })
    expect((await to('https://hooks.example/x')).status).toBe(200)
  })

  test('grants and resets, with who and why; the forecast follows the pace', async () => {
    await put('b', { limit: { usd: 1 }, period: 'day' })
    await debit(routes.ledger, 'm', [{ trace: 1, span: 1, at: NOW, amounts: { usd: 800_000_000_000n } }])
    expect((await call('GET', `${BUDGETS}/b/forecast`)).body).toMatchObject({
      crossesAt: '2026-01-31T15:00:00Z',
      spentAtEnd: { usd: 1.6 },
    })
    const grant = { amount: { usd: 5 }, validTo: '2026-02-01T00:00:00Z', note: 'launch' }
    expect((await call('POST', `${BUDGETS}/b/grants`, grant)).body).toMatchObject({ remaining: { usd: 5.2 } })
    expect((await call('POST', `${BUDGETS}/b/reset`, { note: 'again' })).body).toMatchObject({ spent: { usd: 0 } })
    const { body } = await call('GET', `${BUDGETS}/b/entries`)
    expect(body.entries[0]).toMatchObject({ kind: 'reset', actor: 'key1', note: 'again', amount: { usd: -0.8 } })
    for (const wrong of [
      { ...grant, amount: { tokens: 5 } },
      { ...grant, amount: { usd: 0 } },
      { ...grant, validTo: '2026-01-01T00:00:00Z' },
      { ...grant, validFrom: '2026-01-01T00:00:00Z' },
      { ...grant, validTo: 'tomorrow' },
    ]) {
      expect(await call('POST', `${BUDGETS}/b/grants`, wrong)).toMatchObject({ status: 400 })
    }
  })

  test('a grant whose answer was lost was given twice when it was asked for again', async () => {
    await put('b', { limit: { usd: 1 }, period: 'day' })
    const grant = { amount: { usd: 5 }, validFrom: '2026-01-31T12:00:00Z', validTo: '2026-02-01T00:00:00Z' }
    const give = (idempotencyKey: string) => call('POST', `${BUDGETS}/b/grants`, { ...grant, idempotencyKey })
    const [first] = await Promise.all([give('k'), give('k')])
    routes.now += 3_600_000
    expect(await give('k')).toEqual(first)
    const { body } = await call('GET', `${BUDGETS}/b/entries`)
    expect(body.entries.map(({ kind }) => kind)).toEqual(['granted', 'created'])
    const id = first.body.grants[0]?.id
    expect((await call('DELETE', `${BUDGETS}/b/grants/${id}`)).body).toMatchObject({ grants: [] })
    expect((await give('k')).body).toMatchObject({ grants: [], remaining: { usd: 1 } })
    for (const key of ['', 'x'.repeat(257)]) expect((await give(key)).status).toBe(400)
    const { validFrom: _, ...fromNow } = grant
    for (const usd of [6, 11])
      expect((await call('POST', `${BUDGETS}/b/grants`, fromNow)).body).toMatchObject({ remaining: { usd } })
  })

  test('a span that had come before a grant was counted again, since the grant began before it', async () => {
    await put('b', { limit: { usd: 1 }, period: 'day' })
    const spans = [{ trace: 1, span: 1, at: NOW - 10_000, amounts: { usd: 7n } }]
    await debit(routes.ledger, 'm', spans)
    const grant = { amount: { usd: 5 }, validFrom: '2026-01-31T11:59:30Z', validTo: '2026-02-01T00:00:00Z' }
    expect((await call('POST', `${BUDGETS}/b/grants`, grant)).status).toBe(200)
    await debit(routes.ledger, 'sent anew', spans)
    expect((await call('GET', `${BUDGETS}/b`)).body.spent.picoUsd).toBe('7')
  })

  test('a budget made at noon includes the morning, once', async () => {
    const reader = await openSqliteStore({ path: ':memory:' })
    const spans = [1, 2].map((n) =>
      sampleSpan(
        { spanId: n.toString(16).padStart(16, '0') },
        { costPicoUsd: 7n, costStatus: 'priced', operation: 'chat' },
      ),
    )
    await reader.write([{ context: { project: 'p', digest: 'd', ingestedAt: 1n }, spans }])
    routes.open({ reader })
    expect((await put('b', { limit: { usd: 1 }, period: 'day' })).body).toMatchObject({
      spent: { picoUsd: '14' },
      backfill: 'done',
    })
    const at = Number((spans[0]?.span.startTimeUnixNano ?? 0n) / 1_000_000n)
    const batch = await batchOf(routes.ledger, 'p', 'again', [{ trace: 1, span: 1, at, amounts: { usd: 7n } }])
    await routes.ledger.debit([batch])
    expect((await call('GET', `${BUDGETS}/b`)).body.spent.picoUsd).toBe('14')
    await reader.close()
  })
})
