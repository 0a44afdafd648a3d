import { setTimeout as sleep } from 'node:timers/promises'
import { MessageChannel, Worker } from 'node:worker_threads'
import { describeError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import { createRemoteCaller, type RemoteCaller } from './rpc.ts'

export interface SupervisorOptions {
  /** Module that the thread runs; it gets `workerData` and must post `'ready'` once it works. */
  readonly entry: URL
  readonly name: string
  readonly workerData: Record<string, unknown>
  /** Upper bound of the thread's old-generation heap, in MiB. */
  readonly heapMb: number
  readonly log: Log
}

/** A thread that is started again when it dies. */
export interface Supervisor {
  /** Resolves when the thread first works; rejects when it cannot be started at all. */
  readonly ready: Promise<void>
  /** The methods that the thread serves. Calls reject with `store/unavailable` while it is down. */
  readonly remote: Pick<RemoteCaller, 'call'>
  /**
   * Asks the thread to finish what is due, close its stores and end; true if it did so before `timeoutMs`. After that it
   * gets {@link STOP_MS} for what is at hand.
   */
  drain(timeoutMs: number): Promise<boolean>
}

/**
 * Upper bound of a thread's young generation, in MiB. V8 sizes its heap for one thread that has the machine to itself: left
 * alone, five of them hold 400 MiB of free young space. For the main thread, and to keep the collectors' own threads from
 * competing with ours for the cores, `npm start` passes flags to Node. Those of marking have V8 wait until the heap has used up most of
 * what it may grow by: with so little in it that the young generation may all come on top, V8 began to mark it anew as soon as it was
 * done, which took 15 to 25 % of the time of each thread.
 */
const YOUNG_GENERATION_MB = 36

/** How long a thread may take over what is at hand, in milliseconds. It is broken off after that, which DuckDB does not survive. */
export const STOP_MS = 2_000

/** Pauses between restarts double up to this many milliseconds. */
const MAX_RESTART_PAUSE_MS = 30_000

export function supervise(options: SupervisorOptions): Supervisor {
  const { name, log } = options
  const first = Promise.withResolvers<void>()
  let worker: Worker
  let caller: RemoteCaller
  let crashes = 0
  let draining = false

  function start(): void {
    const { port1, port2 } = new MessageChannel()
    worker = new Worker(options.entry, {
      name,
      workerData: { ...options.workerData, rpc: port2 },
      transferList: [port2],
      resourceLimits: { maxOldGenerationSizeMb: options.heapMb, maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    })
    caller = createRemoteCaller(port1)
    const mine = caller
    let failure: unknown
    worker.on('message', (message) => {
      if (message !== 'ready') return
      crashes = 0
      first.resolve()
    })
    worker.on('error', (error) => {
      failure = error
    })
    worker.on('exit', (code) => {
      mine.close(`the ${name} thread is not running; try again later`)
      if (draining) return
      crashes += 1
      log.error(
        { thread: name, code, reason: failure === undefined ? undefined : describeError(failure) },
        'thread died',
      )
      first.reject(failure ?? new Error(`thread ${name} ended with code ${code}`))
      void restart()
    })
  }

  async function restart(): Promise<void> {
    await sleep(Math.min(MAX_RESTART_PAUSE_MS, 100 * 2 ** crashes), undefined, { ref: false })
    if (!draining) start()
  }

  start()
  return {
    ready: first.promise,
    remote: { call: (method, args) => caller.call(method, args) },
    async drain(timeoutMs) {
      draining = true
      const exited = new Promise<true>((resolve) => {
        if (worker.threadId === -1) resolve(true)
        worker.once('exit', () => resolve(true))
      })
      const within = (ms: number) => Promise.race([exited, sleep(ms, false, { ref: false })])
      worker.postMessage('drain')
      if (await within(timeoutMs)) return true
      worker.postMessage('stop')
      if (await within(STOP_MS)) return false
      log.warn({ thread: name }, 'thread was broken off')
      await worker.terminate()
      return false
    },
  }
}
