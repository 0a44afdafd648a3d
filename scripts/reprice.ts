import { parseArgs } from 'node:util'
import { z } from 'zod'
import { misuse, runCommand } from './command.ts'
import { formatTable } from './reprice-table.ts'
import { defaultServer, post } from './server-call.ts'

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
  const changes = new Map<string, Change>()
  let spans = 0
  let skipped = 0
  for (let pageToken: string | undefined, more = true; more; more = pageToken !== undefined) {
    const answer = await post({ url, key }, '/ledger/v1/prices:reprice', { ...query, pageToken }, request)
    const page = pageSchema.parse(answer)
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

async function main(args: readonly string[]): Promise<string> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      from: { type: 'string' },
      to: { type: 'string' },
      model: { type: 'string' },
      'dry-run': { type: 'boolean', default: false },
      url: { type: 'string' },
      key: { type: 'string' },
    },
  })
  const { from, to, model, 'dry-run': isDry } = values
  if (from === undefined || to === undefined) throw misuse('say of which time: --from TIME --to TIME')
  const { url, key } = { ...defaultServer(), ...values }
  const report = await reprice({ url, key, from, to, model, apply: !isDry })
  const done = isDry ? 'nothing was changed: this was a dry run' : 'applied as corrections'
  return report.changes.length === 0 ? formatTable(report) : `${formatTable(report)}\n${done}`
}

if (import.meta.main) await runCommand(USAGE, main)
