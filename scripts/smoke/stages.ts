import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { ask, askPatiently, askUntil, SmokeFailure, type Target } from './call.ts'
import { type SmokeTrace, smokeTrace } from './trace.ts'

/** What a trace has to pass, in order. */
export const STAGES = ['accepted', 'stored and priced', 'in usage', 'in conservation', 'in a budget'] as const
/** One of {@link STAGES}. */
export type StageName = (typeof STAGES)[number]

/** What became of one stage. `ms` counts from the moment the trace was sent; null where the stage was not reached. */
export interface Stage {
  readonly stage: StageName
  readonly status: 'ok' | 'failed' | 'skipped'
  readonly ms: number | null
  /** What was seen; of a failure, why and what to do. */
  readonly detail: string
}

/** What became of the smoke trace: `ok` unless a stage failed. */
export interface SmokeReport {
  readonly ok: boolean
  readonly url: string
  readonly queryUrl: string
  readonly traceId: string
  readonly stages: readonly Stage[]
}

/** Which deployment is tried. */
export interface SmokeOptions {
  /** Where OTLP is sent. */
  readonly url: string
  /** Where the reader API is. @defaultValue `url` */
  readonly queryUrl?: string
  readonly key?: string
  /** For all stages together, from when the trace is sent. @defaultValue 60,000 */
  readonly timeoutMs?: number
}

/** A budget is made, and the books are read, before the trace is sent; a server that hangs must not use up all time there. */
const PREPARE_MS = 10_000

const cost = z.object({ picoUsd: z.string().nullable(), status: z.string() })
const amount = z.object({ picoUsd: z.string() })
const count = z.union([z.number(), z.string()]).transform((value) => BigInt(value))
const accepted = z.object({
  partialSuccess: z.object({ rejectedSpans: z.coerce.number(), errorMessage: z.string() }).optional(),
})
const receipt = z.object({ lines: z.array(z.looseObject({ amount: z.string() })) })
const trace = z.object({
  spanCount: z.number(),
  cost,
  spans: z.array(z.object({ cost: cost.partial(), receipt: receipt.nullable().catch(null) })),
})
const usage = z.object({ totals: z.object({ spans: z.number(), cost }) })
const conservation = z.object({
  accepted: count,
  balanced: z.boolean(),
  sinks: z.record(z.string(), z.object({ inFlight: count })),
})
const budget = z.object({ spent: amount })

/** Sends one unique trace and follows it to every place where it has to show. Never rejects: what fails is in the report. */
export async function runSmoke(options: SmokeOptions): Promise<SmokeReport> {
  const { url, queryUrl = url, key, timeoutMs = 60_000 } = options
  const id = randomBytes(8).toString('hex')
  const sent = smokeTrace(id, Date.now())
  const follower = { url, queryUrl, sent, ...(key !== undefined && { key }) }
  const preparing = createFollower({ ...follower, deadline: Date.now() + Math.min(timeoutMs, PREPARE_MS) })
  const noBudget = await preparing.makeBudget()
  const before = await preparing.countAccepted()
  const start = Date.now()
  const follow = createFollower({ ...follower, deadline: start + timeoutMs })
  const stages: Stage[] = []
  const record = async (stage: StageName, work: () => Promise<string>, skipped = '') => {
    if (stages.some(({ status }) => status === 'failed'))
      return void stages.push({ stage, status: 'skipped', ms: null, detail: 'an earlier stage failed' })
    if (skipped !== '') return void stages.push({ stage, status: 'skipped', ms: null, detail: skipped })
    try {
      const detail = await work()
      stages.push({ stage, status: 'ok', ms: Date.now() - start, detail })
    } catch (error) {
      if (!(error instanceof SmokeFailure)) throw error
      stages.push({ stage, status: 'failed', ms: Date.now() - start, detail: error.message })
    }
  }

  await record('accepted', follow.send)
  await record('stored and priced', follow.findTrace)
  await record('in usage', follow.findUsage)
  await record('in conservation', () => follow.findInBooks(before))
  await record('in a budget', follow.findInBudget, noBudget)
  if (noBudget === '') await follow.dropBudget()
  return { ok: stages.every(({ status }) => status !== 'failed'), url, queryUrl, traceId: sent.traceId, stages }
}

interface FollowOptions {
  readonly url: string
  readonly queryUrl: string
  readonly key?: string
  readonly sent: SmokeTrace
  /** Milliseconds since 1970. */
  readonly deadline: number
}

/** Each stage as a function that resolves with what it saw, or throws a {@link SmokeFailure}. */
function createFollower({ url, queryUrl, key, sent, deadline }: FollowOptions) {
  const { traceId, sessionId, user, spanCount, request } = sent
  const credentials = key === undefined ? {} : { key }
  const ingest: Target = { url, option: '--url', ...credentials }
  const reader: Target = { url: queryUrl, option: '--query-url', ...credentials }
  const read = { scope: 'read', deadline } as const
  const budgetPath = `/ledger/v1/budgets/${user}`
  let picoUsd = ''

  return {
    async send(): Promise<string> {
      const answer = await askPatiently(ingest, '/v1/traces', {
        method: 'POST',
        body: request,
        scope: 'ingest',
        deadline,
      })
      const { partialSuccess } = parse(accepted, answer.json, ingest)
      if (partialSuccess !== undefined && partialSuccess.rejectedSpans > 0)
        throw new SmokeFailure(`the server rejected spans of the smoke trace: ${partialSuccess.errorMessage}`)
      return `${spanCount} spans as trace ${traceId}`
    },

    async findTrace(): Promise<string> {
      const late = `the trace was accepted but cannot be read in full in time: look at the logs of price and warehouse, and at ${queryUrl}/ledger/v1/conservation; raise --timeout`
      const found = await askUntil(
        reader,
        `/ledger/v1/traces/${traceId}`,
        read,
        ({ status, json }) => {
          if (status === 404) return undefined
          const read = parse(trace, json, reader)
          return read.spanCount === spanCount ? read : undefined
        },
        late,
      )
      if (found.cost.picoUsd === null || found.cost.status !== 'priced')
        throw new SmokeFailure(`the trace is stored without a price (${found.cost.status}): look at the logs of price`)
      picoUsd = found.cost.picoUsd
      const lines = found.spans.flatMap(({ receipt }) => receipt?.lines ?? [])
      const sum = lines.reduce((total, line) => total + BigInt(line.amount), 0n)
      if (sum.toString() !== picoUsd)
        throw new SmokeFailure(`the trace costs ${picoUsd} but its receipts add up to ${sum}`)
      return `${found.spanCount} spans, ${usd(picoUsd)}, equal to its receipts`
    },

    async findUsage(): Promise<string> {
      const totals = await askUntil(
        reader,
        `/ledger/v1/usage?session=${sessionId}`,
        read,
        ({ json }) => {
          const { totals } = parse(usage, json, reader)
          return totals.spans === spanCount ? totals : undefined
        },
        'the trace can be read but its spans are not in /ledger/v1/usage in time',
      )
      if (totals.cost.picoUsd !== picoUsd)
        throw new SmokeFailure(`usage says ${totals.cost.picoUsd} where the trace costs ${picoUsd}`)
      return `${totals.spans} spans, ${usd(picoUsd)}`
    },

    /** How many spans the books had accepted before; undefined where they cannot be read. */
    async countAccepted(): Promise<bigint | undefined> {
      const answer = await ask(reader, '/ledger/v1/conservation', read).catch(ignoreFailure)
      return answer === undefined ? undefined : conservation.safeParse(answer.json).data?.accepted
    },

    async findInBooks(before: bigint | undefined): Promise<string> {
      const least = (before ?? 0n) + BigInt(spanCount)
      const report = await askUntil(
        reader,
        '/ledger/v1/conservation',
        read,
        ({ json }) => {
          const report = parse(conservation, json, reader)
          const open = Object.values(report.sinks).some(({ inFlight }) => inFlight > 0n)
          return (report.balanced || open) && report.accepted >= least ? report : undefined
        },
        'the conservation report does not balance, or does not have the spans, in time',
      )
      const waiting = Object.entries(report.sinks).filter(([, { inFlight }]) => inFlight > 0n)
      const behind = waiting.map(([name, { inFlight }]) => `${inFlight} on their way to ${name}`)
      return `${report.accepted} accepted, ${behind.join(', ') || 'all where they belong'}`
    },

    /** Makes a budget that only the smoke trace spends; gives why there is none, or ''. */
    async makeBudget(): Promise<string> {
      const body = { selector: { user }, limit: { usd: 1 }, period: 'day', timeZone: 'UTC', mode: 'soft' }
      const call = { method: 'PUT', body, scope: 'admin', deadline } as const
      try {
        await ask(reader, budgetPath, call)
        return ''
      } catch (error) {
        if (!(error instanceof SmokeFailure)) throw error
        return error.status === 403 ? 'the key lacks the scope admin' : `no budget could be made: ${error.message}`
      }
    },

    async findInBudget(): Promise<string> {
      await askUntil(
        reader,
        budgetPath,
        read,
        ({ json }) => (parse(budget, json, reader).spent.picoUsd === picoUsd ? true : undefined),
        'the budget does not show what the trace cost in time: look at the logs of budget',
      )
      return `${usd(picoUsd)} spent of a budget made for this`
    },

    async dropBudget(): Promise<void> {
      // Its own time: it is removed even when all the time is up.
      const call = { method: 'DELETE', scope: 'admin', deadline: Date.now() + 5_000 } as const
      await ask(reader, budgetPath, call).catch(ignoreFailure)
    },
  }
}

function ignoreFailure(error: unknown): undefined {
  if (!(error instanceof SmokeFailure)) throw error
  return undefined
}

/** Throws where another program than Spanledger has answered. */
function parse<T extends z.ZodType>(schema: T, json: unknown, { url, option }: Target): z.infer<T> {
  const result = schema.safeParse(json)
  if (result.success) return result.data
  throw new SmokeFailure(`the answer of ${url} is not Spanledger’s: check ${option}`, { cause: result.error })
}

function usd(picoUsd: string): string {
  return `$${(Number(picoUsd) / 1e12).toFixed(6)}`
}
