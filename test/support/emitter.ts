import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { SentSpan } from '../e2e/emitters/recording.ts'
import { eventually, getJson, type TestServer } from './server.ts'

/** A span of `GET /ledger/v1/traces/{id}`: what was sent, and what Spanledger found out about it. */
export interface ReadSpan extends SentSpan {
  readonly operation: string
  readonly provider: string
  readonly model: string
  readonly userId: string
  readonly sessionId: string
  readonly usage: Readonly<Record<string, number | null>>
  readonly cost: { readonly picoUsd: string | null; readonly status: string }
}

export interface ReadTrace {
  readonly name: string
  readonly status: string
  readonly spanCount: number
  readonly userId: string
  readonly sessionId: string
  readonly usage: Readonly<Record<string, number | null>>
  readonly cost: { readonly picoUsd: string | null; readonly status: string }
  readonly spans: readonly ReadSpan[]
}

const run = promisify(execFile)
const MAX_OUTPUT = 64 * 1024 * 1024

/** Runs an emitter against the server in a process of its own; resolves with what it sent. */
export async function runEmitter(name: string, server: TestServer): Promise<SentSpan[]> {
  const entry = join(import.meta.dirname, '../e2e/emitters', `${name}.ts`)
  const { stdout } = await run(process.execPath, [entry, server.url], { maxBuffer: MAX_OUTPUT })
  return JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as SentSpan[]
}

/** The trace among `sent` whose root has this name. */
export function traceNamed(sent: readonly SentSpan[], name: string): SentSpan[] {
  const root = sent.find((span) => span.parentSpanId === '' && span.name === name)
  return sent.filter(({ traceId }) => traceId === root?.traceId)
}

/** The trace of `sent` as the server has it, once it has as many spans. */
export function readTrace(server: TestServer, sent: readonly SentSpan[]): Promise<ReadTrace> {
  return eventually(async () => {
    const trace = await getJson<ReadTrace>(server, `/ledger/v1/traces/${sent[0]?.traceId}`)
    if (trace.spanCount < sent.length) throw new Error(`${trace.spanCount} of ${sent.length} spans are there`)
    return trace
  })
}

/** Of the spans that were read, in the order of `sent`, what the emitter had put into them: equal to `sent` when nothing was lost. */
export function asSent(trace: ReadTrace, sent: readonly SentSpan[]): SentSpan[] {
  return inOrder(trace, sent).map((read, index) => {
    const fields = Object.keys(sent[index]!) as (keyof SentSpan)[]
    return Object.fromEntries(fields.map((field) => [field, read?.[field]])) as unknown as SentSpan
  })
}

/** Each span's name, cost in 1e-12 USD and its status, in the order of `sent`: that in which the spans ended. */
export function costs(trace: ReadTrace, sent: readonly SentSpan[]) {
  return inOrder(trace, sent).map((read) => [read?.name, read?.cost.picoUsd, read?.cost.status])
}

// Not by start time: the SDK reads it in whole milliseconds, so that spans tie.
function inOrder(trace: ReadTrace, sent: readonly SentSpan[]): (ReadSpan | undefined)[] {
  const byId = new Map(trace.spans.map((span) => [span.spanId, span]))
  return sent.map(({ spanId }) => byId.get(spanId))
}
