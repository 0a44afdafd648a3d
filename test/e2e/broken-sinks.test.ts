import { spawnSync } from 'node:child_process'
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { chatSpan, exportRequest, postTraces } from '../support/otlp.ts'
import { eventually, getJson, startServer, type TestServer } from '../support/server.ts'

interface Conservation {
  balanced: boolean
  sinks: Record<string, { stored: number | string; inFlight: number | string; dead: Record<string, number | string> }>
}

function report(server: TestServer): Promise<Conservation> {
  return getJson<Conservation>(server, '/ledger/v1/conservation')
}

async function expectStored(server: TestServer, sinks: string[], spans: number): Promise<void> {
  await eventually(async () => {
    const { sinks: found } = await report(server)
    expect(sinks.map((sink) => [sink, Number(found[sink]?.stored)])).toEqual(sinks.map((sink) => [sink, spans]))
  })
}

/** An OTLP endpoint that answers with a status and counts what it took. */
async function target(
  port = 0,
): Promise<{ server: Server; port: number; answer: { status: number }; taken: () => number }> {
  const answer = { status: 200 }
  let taken = 0
  const server = createServer((request, response) => {
    request.resume()
    request.on('end', () => {
      if (answer.status === 200) taken += 1
      response.writeHead(answer.status).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return { server, port: (server.address() as { port: number }).port, answer, taken: () => taken }
}

test('a forward target that is down stops no other sink, and gets its messages when it is back', async () => {
  const first = await target()
  first.server.close()
  const server = await startServer({ env: { SPANLEDGER_FORWARD_URL: `http://127.0.0.1:${first.port}/v1/traces` } })
  try {
    await postTraces(server.url, exportRequest([chatSpan()]))
    await expectStored(server, ['warehouse', 'lake', 'budget'], 1)
    expect(Number((await report(server)).sinks.forward?.inFlight)).toBe(1)
    const back = await target(first.port)
    await expectStored(server, ['forward'], 1)
    expect(back.taken()).toBe(1)
    back.server.close()
  } finally {
    await server.dispose()
  }
})

test('what a forward target refuses is dead-lettered with the reason and delivered on replay', async () => {
  const { server: endpoint, port, answer, taken } = await target()
  answer.status = 400
  const server = await startServer({ env: { SPANLEDGER_FORWARD_URL: `http://127.0.0.1:${port}/v1/traces` } })
  try {
    await postTraces(server.url, exportRequest([chatSpan()]))
    const dead = await eventually(async () => {
      const { dead } = (await report(server)).sinks.forward ?? { dead: {} }
      if (Object.keys(dead).length === 0) throw new Error('not dead yet')
      return dead
    })
    expect(Object.keys(dead)[0]).toContain('400')
    expect((await report(server)).balanced).toBe(true)
    answer.status = 200
    const replay = spawnSync(
      process.execPath,
      [join(import.meta.dirname, '../../scripts/replay.ts'), '--subscription', 'forward'],
      {
        env: { ...process.env, SPANLEDGER_DATA: server.data },
        encoding: 'utf8',
      },
    )
    expect(replay.stdout).toContain('1 dead letter is due again')
    await expectStored(server, ['forward', 'warehouse', 'lake', 'budget'], 1)
    expect(taken()).toBe(1)
  } finally {
    endpoint.close()
    await server.dispose()
  }
})

test('a lake that cannot be written stops no other sink, and catches up when it can', async () => {
  const server = await startServer({ env: { SPANLEDGER_LAKE_FLUSH_MS: '50' } })
  try {
    await postTraces(server.url, exportRequest([chatSpan()]))
    await expectStored(server, ['warehouse', 'lake', 'budget'], 1)
    // A file where the directory was: every write fails, for root too.
    const traces = join(server.data, 'lake/traces')
    renameSync(traces, `${traces}.aside`)
    writeFileSync(traces, '')
    await postTraces(server.url, exportRequest([chatSpan()]))
    await expectStored(server, ['warehouse', 'budget'], 2)
    expect(Number((await report(server)).sinks.lake?.inFlight)).toBe(1)
    rmSync(traces)
    mkdirSync(traces)
    rmSync(traces, { recursive: true })
    renameSync(`${traces}.aside`, traces)
    await expectStored(server, ['lake'], 2)
  } finally {
    await server.dispose()
  }
})
