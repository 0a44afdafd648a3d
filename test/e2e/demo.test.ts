import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { getJson, startServer, type TestServer } from '../support/server.ts'

const run = promisify(execFile)
const demo = (...args: string[]) =>
  run(process.execPath, [join(import.meta.dirname, '../../scripts/demo.ts'), ...args], { encoding: 'utf8' })

interface Usage {
  readonly totals: { readonly requests: number; readonly spans: number; readonly cost: { readonly picoUsd: string } }
}

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server?.dispose())

describe('npm run demo', () => {
  it('prints what the server holds of what it sent, model by model', async () => {
    const { stdout } = await demo('--url', server.url, '--traces', '40')
    const { totals } = await getJson<Usage>(server, '/ledger/v1/usage')
    expect(stdout).toContain(`Sent 40 traces with ${totals.spans} spans`)
    expect(totals.requests).toBe(40)
    const table = stdout.split('\n').filter((line) => /^ {2}\S.* \d+\.\d{6}$/.test(line))
    expect(table.map((line) => line.trim().split(/ +/)[1])).toEqual(
      expect.arrayContaining(['claude-sonnet-4-5-20250929', 'gpt-5-mini-2025-08-07', 'gemini-2.5-flash', 'qwen3:8b']),
    )
    const all = / {2,}all .* (\d+\.\d{6})$/m.exec(stdout)?.[1]
    expect(all).toBe((Number(totals.cost.picoUsd) / 1e12).toFixed(6))
    const trace = /traces\/([0-9a-f]{32})'/.exec(stdout)?.[1]
    expect(await getJson(server, `/ledger/v1/traces/${trace}`)).toMatchObject({ traceId: trace })
  })

  it('costs the same to the last unit when it runs again', async () => {
    const before = await getJson<Usage>(server, '/ledger/v1/usage')
    await demo('--url', server.url, '--traces', '40')
    const after = await getJson<Usage>(server, '/ledger/v1/usage')
    expect(BigInt(after.totals.cost.picoUsd)).toBe(2n * BigInt(before.totals.cost.picoUsd))
    expect(after.totals.spans).toBe(2 * before.totals.spans)
  })

  it('says what to do when nothing answers, and fails', async () => {
    await expect(demo('--url', 'http://127.0.0.1:9')).rejects.toMatchObject({
      code: 1,
      stderr: 'no Spanledger answers at http://127.0.0.1:9; start one with: npm start\n',
    })
  })
})
