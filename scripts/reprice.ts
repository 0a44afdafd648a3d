import { parseArgs } from 'node:util'
import { z } from 'zod'
import { readConfig } from '../shared/config.ts'
import { describeError, SpanledgerError } from '../shared/errors.ts'
import { formatTable } from './reprice-table.ts'

const USAGE = `npm run reprice -- --from TIME --to TIME [--model MODEL] [--dry-run] [--url URL] [--key KEY]
Prices stored spans anew, at the prices that the running server has now for the time at which each span started. Prints what
changes by day, model and user; without --dry-run it applies that as corrections: what was said before is kept.
Times are RFC 3339. The server is at http://localhost:PORT unless --url says otherwise; the key (scope admin) can also be
given as SPANLEDGER_KEY.`

const pageSchema = z.object({
  spans: z.number(),
  skipped: z.number(),
  changes: z.array(
    z.object({
      day: z.string(),
      model: z.string(),
      user: z.string(),
      spans: z.number(),
      before: z.object({ picoUsd: z.string() }),
      after: z.object({ picoUsd: z.string() }),
      unknownBefore: z.number(),
      unknownAfter: z.number(),
    }),
  ),
  nextPageToken: z.string().optional(),
})

/** What changes for one day, model and user; money in 1e-12 USD. */
export interface Change {
  readonly day: string
  readonly model: string
  readonly user: string
  readonly spans: number
  readonly before: bigint
  readonly after: bigint
  readonly unknownBefore: number
  readonly unknownAfter: number
}

export interface RepriceOptions {
  readonly url: string
  readonly key?: string | undefined
  readonly from: string
  readonly to: string
  readonly model?: string | undefined
  readonly apply: boolean
}

export interface RepriceReport {
  readonly spans: number
  readonly skipped: number
  readonly changes: readonly Change[]
}

/** Asks a server for page after page. Throws `query/invalid` with what the server answered. */
export async function reprice(options: RepriceOptions, request: typeof fetch = fetch): Promise<RepriceReport> {
  const { url, key, ...query } = options
  const headers = { 'content-type': 'application/json', ...(key !== undefined && { authorization: `Bearer ${key}` }) }
  const changes = new Map<string, Change>()
  let spans = 0
  let skipped = 0
  for (let pageToken: string | undefined, more = true; more; more = pageToken !== undefined) {
    const body = JSON.stringify({ ...query, pageToken })
    const response = await request(new URL('/ledger/v1/prices:reprice', url), { method: 'POST', headers, body })
    if (!response.ok) throw new SpanledgerError('query/invalid', `${response.status} ${await response.text()}`)
    const page = pageSchema.parse(await response.json())
    spans += page.spans
    skipped += page.skipped
    for (const change of page.changes) add(changes, change)
    pageToken = page.nextPageToken
  }
  return { spans, skipped, changes: [...changes.values()] }
}

function add(changes: Map<string, Change>, page: z.infer<typeof pageSchema>['changes'][number]): void {
  const { day, model, user } = page
  const key = JSON.stringify([day, model, user])
  const sum = changes.get(key)
  changes.set(key, {
    day,
    model,
    user,
    spans: page.spans + (sum?.spans ?? 0),
    before: BigInt(page.before.picoUsd) + (sum?.before ?? 0n),
    after: BigInt(page.after.picoUsd) + (sum?.after ?? 0n),
    unknownBefore: page.unknownBefore + (sum?.unknownBefore ?? 0),
    unknownAfter: page.unknownAfter + (sum?.unknownAfter ?? 0),
  })
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      from: { type: 'string' },
      to: { type: 'string' },
      model: { type: 'string' },
      'dry-run': { type: 'boolean', default: false },
      url: { type: 'string' },
      key: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help || values.from === undefined || values.to === undefined) {
    console.log(USAGE)
    return values.help ? 0 : 2
  }
  const url = values.url ?? `http://localhost:${readConfig().PORT}`
  const key = values.key ?? process.env.SPANLEDGER_KEY
  const apply = !values['dry-run']
  const report = await reprice({ url, key, from: values.from, to: values.to, model: values.model, apply })
  console.log(formatTable(report))
  console.log(apply ? 'applied as corrections' : 'nothing was changed: this was a dry run')
  return 0
}

if (import.meta.main) {
  try {
    process.exitCode = await main()
  } catch (error) {
    console.error(`${describeError(error)}\n\n${USAGE}`)
    process.exitCode = 2
  }
}
