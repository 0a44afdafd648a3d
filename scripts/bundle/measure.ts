import { FUNCTION_NAMES, FUNCTIONS, type FunctionName } from '../../shared/platform/functions.ts'
import { startFunction } from '../../test/emulators/cloud.ts'
import { cpuSeconds, memoryMib, percentile } from '../bench/measure.ts'
import type { Manifest } from './manifest.ts'

/** What one bundle takes to start, on this machine. Times in milliseconds. */
export interface ColdStart {
  /** Unpacked, without the framework and what is native. */
  readonly bytes: number
  /** From the start of the process to its first answer. */
  readonly ms: { readonly median: number; readonly least: number; readonly most: number }
  /** CPU time of the process until then, median: what a slower core takes longer for. */
  readonly cpuMs: number
  /** Resident memory then, median. */
  readonly mib: number
}

/** Every setting has a value, and no server that a client would look for is there: a start calls none. */
const SETTINGS: Readonly<Record<string, string>> = {
  SPANLEDGER_GCP_PROJECT: 'project',
  SPANLEDGER_GCP_BUCKET: 'bucket',
  SPANLEDGER_FORWARD_URL: 'http://127.0.0.1:9/v1/traces',
}
const SERVERS = {
  PUBSUB_EMULATOR_HOST: '127.0.0.1:9',
  FIRESTORE_EMULATOR_HOST: '127.0.0.1:9',
  STORAGE_EMULATOR_HOST: 'http://127.0.0.1:9',
  BIGQUERY_EMULATOR_HOST: 'http://127.0.0.1:9',
}

/** Starts each bundle in `folder` so many times, in turn, so that what else the machine does falls on all alike. */
export async function measureColdStarts(
  folder: string,
  manifest: Manifest,
  runs: number,
): Promise<Readonly<Record<FunctionName, ColdStart>>> {
  const samples = new Map(FUNCTION_NAMES.map((name) => [name, [] as Sample[]]))
  for (let run = 0; run < runs; run++) for (const [name, taken] of samples) taken.push(await startOnce(folder, name))
  const entries = Array.from(samples, ([name, taken]) => [name, summarise(manifest[name].bytes, taken)])
  return Object.fromEntries(entries) as Record<FunctionName, ColdStart>
}

interface Sample {
  readonly ms: number
  readonly cpuMs: number
  readonly mib: number
}

async function startOnce(folder: string, name: FunctionName): Promise<Sample> {
  const settings: readonly string[] = FUNCTIONS[name].settings
  const own = Object.entries(SETTINGS).filter(([setting]) => settings.includes(setting))
  const running = await startFunction(folder, name, { ...Object.fromEntries(own), ...SERVERS })
  const sample = {
    ms: running.startMs,
    cpuMs: cpuSeconds(running.pid) * 1000,
    mib: memoryMib(running.pid).now,
  }
  await running.stop()
  return sample
}

function summarise(bytes: number, samples: readonly Sample[]): ColdStart {
  const median = (field: keyof Sample) =>
    Math.round(
      percentile(
        samples.map((sample) => sample[field]),
        0.5,
      ),
    )
  const times = samples.map(({ ms }) => Math.round(ms))
  return {
    bytes,
    ms: { median: median('ms'), least: Math.min(...times), most: Math.max(...times) },
    cpuMs: median('cpuMs'),
    mib: median('mib'),
  }
}
