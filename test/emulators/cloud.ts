import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { PubSub } from '@google-cloud/pubsub'
import { bundleFunctions } from '../../scripts/bundle/functions.ts'
import { FUNCTION_NAMES, FUNCTIONS, type FunctionName, subscriptionsOf } from '../../shared/platform/functions.ts'
import { type BigQueryDouble, startBigQuery } from './bigquery.ts'
import { freePort, planFirestore, planPubsub, startEmulator } from './emulator.ts'
import { type FakeStorage, startFakeStorage } from './fake-storage.ts'
import { createTopics, subscribe } from './messaging.ts'

const root = join(import.meta.dirname, '../..')
const FRAMEWORK = join(root, 'node_modules/@google-cloud/functions-framework/build/src/main.js')
const READY_MS = 25_000

/** A bundled function on the functions framework, in a process of its own. */
export interface RunningFunction {
  readonly url: string
  readonly pid: number
  readonly logs: () => string
  /** From start to the first connection accepted, in milliseconds. */
  readonly startMs: number
  stop(): Promise<void>
}

/** All of Google Cloud that Spanledger uses, on this machine. */
export interface Cloud {
  readonly functions: Readonly<Record<FunctionName, RunningFunction>>
  readonly pubsub: PubSub
  readonly storage: FakeStorage
  readonly bigquery: BigQueryDouble
  /** Of the deployment's first key. */
  readonly key: string
  /** What a command needs in its environment to work on this deployment. */
  readonly environment: Readonly<Record<string, string>>
  /** What the scheduler does. */
  schedule(name: 'lake' | 'books', path: '/write' | '/compact'): Promise<Record<string, unknown>>
  stop(): Promise<void>
}

/** All but the one that is deployed where there is somewhere to forward to. */
const SERVED = FUNCTION_NAMES.filter((name) => name !== 'forward')
const PROJECT = 'test'
const PREFIX = 'ledger'
const BUCKET = 'lake'
const DATASET = 'ledger'
const FIRST_KEY = `slk_${'0123456789abcdef'}.${'k'.repeat(43)}`

/** Bundles functions below the repository, where the framework that they leave out is found. */
export async function bundleForTests(name: string, functions?: readonly FunctionName[]): Promise<string> {
  const folder = join(root, 'dist', `test-${name}`)
  mkdirSync(folder, { recursive: true })
  await bundleFunctions(folder, functions)
  return folder
}

/** Runs a bundle as Cloud Functions does. */
export async function startFunction(
  folder: string,
  name: FunctionName,
  env: Record<string, string>,
): Promise<RunningFunction> {
  const port = await freePort()
  const started = performance.now()
  const args = [FRAMEWORK, `--source=${join(folder, name)}`, `--target=${name}`, `--port=${port}`]
  const child = spawn(process.execPath, args, {
    env: {
      PATH: process.env.PATH ?? '',
      HOME: process.env.HOME ?? '',
      NODE_ENV: 'production',
      METADATA_SERVER_DETECTION: 'none',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let logs = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      logs += chunk
    })
  const url = `http://127.0.0.1:${port}`
  await waitUntilServing(url, child, () => logs)
  return {
    url,
    pid: child.pid ?? 0,
    logs: () => logs,
    startMs: performance.now() - started,
    async stop() {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await ended
    },
  }
}

async function waitUntilServing(url: string, child: ChildProcess, logs: () => string): Promise<void> {
  for (const deadline = Date.now() + READY_MS; ; await sleep(20)) {
    if (child.exitCode !== null) throw new Error(`the function ended with code ${child.exitCode}:\n${logs()}`)
    if (Date.now() > deadline) throw new Error(`the function was not ready in time:\n${logs()}`)
    if (
      await fetch(url, { method: 'OPTIONS' }).then(
        () => true,
        () => false,
      )
    )
      return
  }
}

/** Starts emulators, doubles, and every function with the settings that it reads. */
export async function startCloud(): Promise<Cloud> {
  const folder = await bundleForTests('cloud')
  const [pubsubEmulator, firestore, storage, bigquery] = await Promise.all([
    startEmulator(planPubsub()),
    startEmulator(planFirestore()),
    startFakeStorage([BUCKET]),
    startBigQuery(),
  ])
  await bigquery.createDataset(PROJECT, DATASET)
  const pubsub = new PubSub({ projectId: PROJECT, apiEndpoint: pubsubEmulator.host, emulatorMode: true })
  await createTopics(pubsub, PREFIX)
  await subscribe(pubsub, PREFIX, 'dead-letter')

  const settings: Record<string, string> = {
    SPANLEDGER_GCP_PROJECT: PROJECT,
    SPANLEDGER_GCP_PREFIX: PREFIX,
    SPANLEDGER_GCP_DATASET: DATASET,
    SPANLEDGER_GCP_BUCKET: BUCKET,
    SPANLEDGER_GCP_DATABASE: '(default)',
    SPANLEDGER_FIRST_KEY: FIRST_KEY,
    SPANLEDGER_LOG_LEVEL: 'warn',
  }
  const servers = {
    PUBSUB_EMULATOR_HOST: pubsubEmulator.host,
    FIRESTORE_EMULATOR_HOST: firestore.host,
    STORAGE_EMULATOR_HOST: storage.url,
    BIGQUERY_EMULATOR_HOST: bigquery.url,
  }
  const start = async (name: FunctionName) => {
    const own = FUNCTIONS[name].settings.filter((setting) => settings[setting] !== undefined)
    const env = Object.fromEntries(own.map((setting) => [setting, settings[setting] as string]))
    const running = await startFunction(folder, name, { ...env, ...servers })
    const { trigger } = FUNCTIONS[name]
    const pushEndpoint = trigger.kind === 'push' ? `${running.url}/` : undefined
    for (const subscription of subscriptionsOf(name)) await subscribe(pubsub, PREFIX, subscription, { pushEndpoint })
    return [name, running] as const
  }
  const functions = Object.fromEntries(await Promise.all(SERVED.map(start))) as Record<FunctionName, RunningFunction>
  return {
    functions,
    pubsub,
    storage,
    bigquery,
    key: FIRST_KEY,
    environment: { SPANLEDGER_PLATFORM: 'gcp', ...settings, ...servers },
    async schedule(name, path) {
      const response = await fetch(functions[name].url + path, { method: 'POST' })
      if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`)
      return (await response.json()) as Record<string, unknown>
    },
    async stop() {
      await Promise.all(Object.values(functions).map((running) => running.stop()))
      await pubsub.close()
      await Promise.all([pubsubEmulator.stop(), firestore.stop(), storage.close(), bigquery.close()])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
