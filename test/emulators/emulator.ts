import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

// Google's clients else look for a metadata server, which only exists in the cloud, before every first request.
process.env.METADATA_SERVER_DETECTION ??= 'none'

/** A running emulator of Google's. */
export interface Emulator {
  /** `host:port`. */
  readonly host: string
  stop(): Promise<void>
}

/** How to run one emulator, or why it cannot be. */
export type EmulatorPlan =
  | { readonly kind: 'running'; readonly host: string }
  | { readonly kind: 'jar'; readonly args: (port: number) => string[] }
  | { readonly kind: 'absent'; readonly reason: string }

const START_TIMEOUT_MS = 25_000
const SDK_ROOTS = [
  '/usr/lib/google-cloud-sdk',
  '/opt/google-cloud-sdk',
  join(process.env.HOME ?? '/root', 'google-cloud-sdk'),
]

/** Finds the Pub/Sub emulator: already running, or in the Cloud SDK. */
export function planPubsub(): EmulatorPlan {
  return plan('PUBSUB_EMULATOR_HOST', 'pubsub-emulator/lib', /^cloud-pubsub-emulator-.*\.jar$/, (jar, port) => [
    ...['-jar', jar, '--host=127.0.0.1', `--port=${port}`],
  ])
}

/** Finds the Firestore emulator: already running, or in the Cloud SDK. */
export function planFirestore(): EmulatorPlan {
  const main = 'com.google.cloud.datastore.emulator.firestore.CloudFirestore'
  return plan('FIRESTORE_EMULATOR_HOST', 'cloud-firestore-emulator', /^cloud-firestore-emulator\.jar$/, (jar, port) => [
    ...['-Duser.language=en', '-cp', jar, main, 'start', '--host=127.0.0.1', `--port=${port}`],
  ])
}

function plan(
  variable: string,
  folder: string,
  file: RegExp,
  command: (jar: string, port: number) => string[],
): EmulatorPlan {
  const host = process.env[variable]
  if (host !== undefined && host !== '') return { kind: 'running', host }
  const root = sdkRoots().find((candidate) => existsSync(join(candidate, 'platform', folder)))
  if (root === undefined) return { kind: 'absent', reason: `no ${folder} in a Cloud SDK, and ${variable} is not set` }
  const directory = join(root, 'platform', folder)
  const jar = readdirSync(directory).find((name) => file.test(name))
  if (jar === undefined) return { kind: 'absent', reason: `no emulator in ${directory}` }
  try {
    execFileSync('java', ['-version'], { stdio: 'ignore' })
  } catch {
    return { kind: 'absent', reason: 'there is no java to run it' }
  }
  return { kind: 'jar', args: (port) => command(join(directory, jar), port) }
}

function sdkRoots(): string[] {
  const fromPath = (process.env.PATH ?? '').split(':').filter((folder) => existsSync(join(folder, 'gcloud')))
  return [
    ...(process.env.CLOUDSDK_ROOT_DIR ? [process.env.CLOUDSDK_ROOT_DIR] : []),
    ...fromPath.map(dirname),
    ...SDK_ROOTS,
  ]
}

/**
 * Starts an emulator on a free port, without gcloud's wrapper, which leaves orphans when it is ended. Memory is bounded, since
 * tests run beside each other.
 */
export async function startEmulator(given: EmulatorPlan): Promise<Emulator> {
  if (given.kind === 'absent') throw new Error(given.reason)
  if (given.kind === 'running') return { host: given.host, stop: async () => {} }
  const port = await freePort()
  const java = ['-Xmx512m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', ...given.args(port)]
  // Ends with the pipe, so that a test that is killed leaves no emulator behind.
  const watched = 'java "$@" </dev/null & cat >/dev/null; kill -9 $!'
  const child = spawn('sh', ['-c', watched, 'sh', ...java], { stdio: ['pipe', 'ignore', 'ignore'] })
  await waitForPort(port, child)
  return {
    host: `127.0.0.1:${port}`,
    async stop() {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.stdin.end()
      await ended
    },
  }
}

/** A port that nothing listens on. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function waitForPort(port: number, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS
  while (!(await accepts(port))) {
    if (child.exitCode !== null) throw new Error(`the emulator ended with code ${child.exitCode}`)
    if (Date.now() > deadline) throw new Error('the emulator did not start')
    await sleep(100)
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const end = (accepted: boolean) => () => {
      socket.destroy()
      resolve(accepted)
    }
    socket.once('connect', end(true)).once('error', end(false))
  })
}

/** Says on one line why a suite does not run; returns whether it does. */
export function canRun(name: string, given: EmulatorPlan): boolean {
  if (given.kind === 'absent') process.stderr.write(`skipped: tests on the ${name} emulator: ${given.reason}\n`)
  return given.kind !== 'absent'
}
