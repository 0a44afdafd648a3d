import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { createRandom, requestBody, SPANS_PER_REQUEST } from './traffic.ts'

/** Sends prepared requests at a steady rate whatever the answers take (an open loop), from a thread of its own. */
export interface LoadPlan {
  readonly url: string
  readonly spansPerSecond: number
  readonly seconds: number
  readonly seed: number
}

export interface LoadResult {
  readonly spans: number
  readonly refused: number
  /** Milliseconds from the moment a request was due to its answer. */
  readonly latencies: readonly number[]
}

const agent = new Agent({ keepAlive: true, maxSockets: 64 })

function post(url: string, body: Buffer): Promise<number> {
  return new Promise((resolve) => {
    const headers = {
      'content-type': 'application/x-protobuf',
      'content-encoding': 'gzip',
      'content-length': body.length,
    }
    const sent = request(`${url}/v1/traces`, { method: 'POST', agent, headers }, (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode ?? 0))
    })
    sent.on('error', () => resolve(0))
    sent.end(body)
  })
}

async function run({ url, spansPerSecond, seconds, seed }: LoadPlan): Promise<LoadResult> {
  const random = createRandom(seed)
  const count = Math.ceil((spansPerSecond * seconds) / SPANS_PER_REQUEST)
  const interval = (SPANS_PER_REQUEST / spansPerSecond) * 1000
  const base = Date.now()
  const bodies = Array.from({ length: count }, (_, index) => requestBody(random, base + Math.round(index * interval)))
  parentPort?.postMessage('prepared')
  await new Promise((resolve) => parentPort?.once('message', resolve))

  const latencies: number[] = []
  let refused = 0
  const begin = performance.now()
  const answers = bodies.map(async (body, index) => {
    const due = begin + index * interval
    await sleep(Math.max(0, due - performance.now()))
    const status = await post(url, body)
    if (status === 200) latencies.push(performance.now() - due)
    else refused += 1
  })
  await Promise.all(answers)
  return { spans: latencies.length * SPANS_PER_REQUEST, refused, latencies }
}

parentPort?.postMessage(await run(workerData as LoadPlan))
