import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** The embedded server in a process of its own, on a free port and a data directory of its own. */
export interface TestServer {
  readonly url: string
  readonly data: string
  readonly pid: number
  /** Standard error so far: the logs. */
  readonly logs: () => string
  /** Sends a signal and resolves with the exit code (null when killed). */
  end(signal: NodeJS.Signals): Promise<number | null>
  /** Starts it again on the same data; the port may differ. */
  restart(): Promise<TestServer>
  /** Ends it and removes its data. */
  dispose(): Promise<void>
}

export interface TestServerOptions {
  readonly env?: Record<string, string>
  readonly data?: string
}

const ROOT = join(import.meta.dirname, '../..')
/** What `npm start` runs, less the shell and the name of Node. */
const START = (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).scripts.start as string).split(' ').slice(2)
const READY_MS = 30_000

export async function startServer(options: TestServerOptions = {}): Promise<TestServer> {
  const data = options.data ?? mkdtempSync(join(tmpdir(), 'spanledger-'))
  const child = spawn(process.execPath, START, {
    cwd: ROOT,
    env: {
      ...withoutSettings(process.env),
      PORT: '0',
      SPANLEDGER_DATA: data,
      SPANLEDGER_LOG_LEVEL: 'warn',
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let logs = ''
  child.stderr.on('data', (chunk) => {
    logs += chunk
  })
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const url = await readUrl(child, () => logs)
  const end = (signal: NodeJS.Signals) => {
    child.kill(signal)
    return exited
  }
  return {
    url,
    data,
    pid: child.pid ?? 0,
    logs: () => logs,
    end,
    restart: () => startServer({ ...options, data }),
    async dispose() {
      if (child.exitCode === null && child.signalCode === null) await end('SIGKILL')
      rmSync(data, { recursive: true, force: true })
    },
  }
}

function readUrl(child: ChildProcess, logs: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = ''
    const timer = setTimeout(() => fail('was not ready in time'), READY_MS)
    const fail = (what: string) => {
      clearTimeout(timer)
      child.kill('SIGKILL')
      reject(new Error(`the server ${what}:\n${output}\n${logs()}`))
    }
    child.stdout?.on('data', (chunk) => {
      output += chunk
      const url = /ready at (\S+)/.exec(output)?.[1]
      if (url === undefined) return
      clearTimeout(timer)
      resolve(url)
    })
    // Not at `exit`: what it said last may be on its way.
    child.once('close', (code) => fail(`ended with code ${code}`))
  })
}

function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const settings = (name: string) => name.startsWith('SPANLEDGER_') || name.startsWith('OTEL_') || name === 'PORT'
  return Object.fromEntries(Object.entries(env).filter(([name]) => !settings(name)))
}

/** Asks until `check` passes or `timeoutMs` have gone by; then throws what it threw last. */
export async function eventually<T>(check: () => Promise<T>, timeoutMs = 10_000): Promise<T> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (Date.now() > deadline) throw error
      await sleep(50)
    }
  }
}

/** GETs JSON from the server; throws with the body when it does not answer 200. */
export async function getJson<T = Record<string, unknown>>(server: TestServer, path: string, key?: string): Promise<T> {
  const response = await fetch(
    server.url + path,
    key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } },
  )
  const text = await response.text()
  if (response.status !== 200) throw new Error(`GET ${path}: ${response.status} ${text}`)
  return JSON.parse(text) as T
}
