import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { chatSpan, exportRequest, postTraces } from '../support/otlp.ts'
import { eventually, getJson, startServer, type TestServer } from '../support/server.ts'

/** Ten calls of 1,000 input tokens of gpt-4o-mini. */
const SPENT = 1_500_000_000n

interface History {
  readonly entries: readonly { readonly kind: string; readonly actor: string; readonly note: string }[]
}

let server: TestServer
beforeEach(async () => {
  server = await startServer({ env: { SPANLEDGER_RECONCILE_MS: '0' } })
})
afterEach(() => server?.dispose())

const spent = async () =>
  BigInt((await getJson<{ spent: { picoUsd: string } }>(server, '/ledger/v1/budgets/b')).spent.picoUsd)
const corrections = async () =>
  (await getJson<History>(server, '/ledger/v1/budgets/b/entries')).entries.filter(({ kind }) => kind === 'corrected')

/** A budget that has counted ten calls. */
async function spend(): Promise<void> {
  const terms = { limit: { usd: 1 }, period: 'total' }
  const headers = { 'content-type': 'application/json' }
  await fetch(`${server.url}/ledger/v1/budgets/b`, { method: 'PUT', headers, body: JSON.stringify(terms) })
  const spans = Array.from({ length: 10 }, () => chatSpan({ inputTokens: 1_000, outputTokens: 0 }))
  expect((await postTraces(server.url, exportRequest(spans))).status).toBe(200)
  await eventually(async () => expect(await spent()).toBe(SPENT))
  await eventually(async () => {
    const { balanced, sinks } = await getJson<{
      balanced: boolean
      sinks: { warehouse: { stored: string }; budget: { stored: string } }
    }>(server, '/ledger/v1/conservation')
    expect(balanced).toBe(true)
    expect([Number(sinks.warehouse.stored), Number(sinks.budget.stored)]).toEqual([10, 10])
  })
}

/** Says in the ledger's file that so much more was spent, or less. */
function falsify(amount: bigint): void {
  const file = new DatabaseSync(join(server.data, 'budgets.sqlite'))
  file.prepare("UPDATE entries SET amount = amount + ? WHERE kind = 'debited'").run(amount)
  file.prepare('UPDATE balances SET spent = spent + ?').run(amount)
  file.close()
}

function reconcile(...args: string[]) {
  const script = join(import.meta.dirname, '../../scripts/reconcile.ts')
  const env = { ...process.env, SPANLEDGER_DATA: server.data }
  return promisify(execFile)(process.execPath, [script, ...args], { env, encoding: 'utf8' })
}

test('a falsified ledger is set right by npm run reconcile, once, and by the server itself; the history says why', async () => {
  await spend()
  const stderr = expect.stringMatching(/in use by another process; stop it.*\n$/)
  await expect(reconcile()).rejects.toMatchObject({ code: 1, stderr })
  await server.end('SIGTERM')

  falsify(-900_000_000n)
  const found = 'b  total  from 1970-01-01T00:00:00.000Z  ledger 0.0006 USD  warehouse 0.0015 USD'
  const dry = await reconcile('--dry-run')
  expect(dry.stdout).toContain(`project default\n${found}\n1 budgets compared, 1 differences; nothing was changed`)
  expect((await reconcile()).stdout).toContain(`${found}\n1 budgets compared, 1 differences; each is corrected`)
  expect((await reconcile()).stdout).toContain('1 budgets compared, 0 differences')

  falsify(700_000_000n)
  server = await startServer({ data: server.data, env: { SPANLEDGER_RECONCILE_MS: '100' } })
  await eventually(async () => expect(await corrections()).toHaveLength(2))
  expect(await spent()).toBe(SPENT)
  expect(await corrections()).toMatchObject([
    { actor: 'reconcile', amount: { usd: -0.0007 }, note: expect.stringContaining('the ledger had 0.0022 USD') },
    {
      actor: 'reconcile',
      amount: { usd: 0.0009 },
      note: expect.stringContaining('the warehouse has spans of 0.0015 USD'),
    },
  ])
})
