import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setPriority } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Log } from '../shared/log.ts'

/** Polite: whoever sends spans goes first. */
const NICE = 10

export interface CompactionTimerOptions {
  readonly log: Log
  /** Milliseconds to the first run, and from the end of one to the start of the next. */
  readonly everyMs: number
  /** Environment of the command; default: this process's. */
  readonly env?: NodeJS.ProcessEnv
}

/** Runs in the background until it is stopped. */
export interface CompactionTimer {
  /** Ends a run that is under way, which may be cut short anywhere. */
  stop(): Promise<void>
}

/** Compacts the lake and deletes what has expired every so often, in a process of its own: what sorting takes of memory is not the server's. */
export function startCompactionTimer(options: CompactionTimerOptions): CompactionTimer {
  const { log, everyMs, env = process.env } = options
  let child: ChildProcess | undefined
  let stopped = false
  let timer = setTimeout(run, everyMs).unref()

  function run(): void {
    const script = fileURLToPath(new URL('./compact.ts', import.meta.url))
    const running = spawn(process.execPath, [script], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    child = running
    const output: Buffer[] = []
    running.stdout.on('data', (data: Buffer) => output.push(data))
    running.stderr.on('data', (data: Buffer) => output.push(data))
    running.once('spawn', () => {
      try {
        setPriority(running.pid as number, NICE)
      } catch {
        // It has ended already.
      }
    })
    running.once('error', (error) => log.error({ err: error }, 'the compactor did not start'))
    running.once('close', (code) => {
      child = undefined
      if (stopped) return
      const said = Buffer.concat(output).toString().trim()
      if (code === 0) log.info({ said }, 'compacted the lake')
      else log.error({ code, said }, 'the compactor failed')
      timer = setTimeout(run, everyMs).unref()
    })
  }

  return {
    async stop() {
      stopped = true
      clearTimeout(timer)
      if (child === undefined) return
      const closed = once(child, 'close')
      child.kill('SIGKILL')
      await closed
    },
  }
}
