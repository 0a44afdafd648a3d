import type { BatchResult, SpanBatch } from '../trace-store.ts'
import type { SeenKeys } from './seen-keys.ts'
import type { SpanRow } from './span-appender.ts'
import { keyToInt64, spanKey } from './span-key.ts'

/** A span that is stored already. */
export interface StoredVersion {
  readonly rowid: bigint
  readonly project: string
  readonly traceId: string
  readonly spanId: string
  readonly endTime: bigint
  readonly digest: string
}

/** What can be asked of the tables while a write is planned; each at most once. */
export interface StoredSpans {
  /** Those of `digests` that are stored. */
  digests(digests: readonly string[]): Promise<ReadonlySet<string>>
  /** All spans with one of these keys. */
  versions(keys: readonly bigint[]): Promise<readonly StoredVersion[]>
}

/** What a write changes. */
export interface WritePlan {
  readonly insert: readonly SpanRow[]
  /** Row ids of stored spans that incoming ones replace. */
  readonly remove: readonly bigint[]
  /** In the order of the batches. */
  readonly results: readonly BatchResult[]
  /** The batches whose digest is not stored yet. */
  readonly newBatches: readonly { readonly batch: SpanBatch; readonly result: BatchResult }[]
}

interface IncomingSpan extends SpanRow {
  readonly batch: number
}

/** The version of a span that holds so far: an incoming one, or a stored one. */
interface Holder {
  readonly endTime: bigint
  readonly digest: string
  readonly incoming?: IncomingSpan
  readonly rowid?: bigint
}

/**
 * Decides what of `batches` goes into the tables, so that each digest counts once and each span is stored once. Of two versions
 * of a span the one with the later end holds, then the one with the greater digest, then the later one of the same batch.
 * The tables are asked only about what `seen` may have seen: most writes ask nothing.
 */
export async function planWrite(
  batches: readonly SpanBatch[],
  seen: SeenKeys,
  stored: StoredSpans,
): Promise<WritePlan> {
  const spans: IncomingSpan[] = []
  const doubtful = new Set<number>()
  const suspects: IncomingSpan[] = []
  for (const [batch, { context, spans: priced }] of batches.entries()) {
    if (priced.length === 0) doubtful.add(batch)
    for (const item of priced) {
      const key = spanKey(context.project, item.span.traceId, item.span.spanId)
      const incoming = { priced: item, context, key, batch }
      spans.push(incoming)
      if (!seen.add(key)) continue
      suspects.push(incoming)
      doubtful.add(batch)
    }
  }
  const known = await knownBatches(batches, doubtful, stored)
  const counts = batches.map(() => ({ stored: 0, duplicates: 0 }))
  const fresh = spans.filter(({ batch }) => !known.has(batch))
  const { insert, remove } =
    suspects.length === 0
      ? { insert: countStored(fresh, counts), remove: [] }
      : await settleVersions(fresh, suspects, counts, stored)
  const newBatches = batches.flatMap((batch, index) =>
    known.has(index) ? [] : [{ batch, result: counts[index] as BatchResult }],
  )
  return { insert, remove, results: counts, newBatches }
}

/** The batches whose digest is stored, or came earlier in the same write. Of those not in doubt no span was ever seen. */
async function knownBatches(
  batches: readonly SpanBatch[],
  doubtful: ReadonlySet<number>,
  stored: StoredSpans,
): Promise<Set<number>> {
  const known = new Set<number>()
  if (doubtful.size === 0) return known
  const digests = await stored.digests([...doubtful].map((batch) => (batches[batch] as SpanBatch).context.digest))
  const here = new Set<string>()
  for (const [index, { context }] of batches.entries()) {
    if (digests.has(context.digest) || here.has(context.digest)) known.add(index)
    here.add(context.digest)
  }
  return known
}

type Counts = { stored: number; duplicates: number }[]

function countStored(spans: readonly IncomingSpan[], counts: Counts): readonly IncomingSpan[] {
  for (const { batch } of spans) (counts[batch] as Counts[number]).stored++
  return spans
}

async function settleVersions(
  spans: readonly IncomingSpan[],
  suspects: readonly IncomingSpan[],
  counts: Counts,
  stored: StoredSpans,
): Promise<Pick<WritePlan, 'insert' | 'remove'>> {
  const contested = new Set(suspects.map(identity))
  const holders = new Map<string, Holder>()
  for (const version of await stored.versions([...new Set(suspects.map(({ key }) => keyToInt64(key)))])) {
    holders.set(`${version.project}/${version.traceId}/${version.spanId}`, version)
  }
  const dropped = new Set<IncomingSpan>()
  const remove: bigint[] = []
  for (const incoming of spans) {
    const id = identity(incoming)
    if (!contested.has(id)) {
      ;(counts[incoming.batch] as Counts[number]).stored++
      continue
    }
    const holder = holders.get(id)
    const version = { endTime: incoming.priced.span.endTimeUnixNano, digest: incoming.context.digest, incoming }
    ;(counts[incoming.batch] as Counts[number])[holder === undefined ? 'stored' : 'duplicates']++
    if (holder !== undefined && !outranks(version, holder)) {
      dropped.add(incoming)
      continue
    }
    if (holder?.incoming !== undefined) dropped.add(holder.incoming)
    if (holder?.rowid !== undefined) remove.push(holder.rowid)
    holders.set(id, version)
  }
  return { insert: spans.filter((incoming) => !dropped.has(incoming)), remove }
}

function identity({ priced, context }: SpanRow): string {
  return `${context.project}/${priced.span.traceId}/${priced.span.spanId}`
}

/** Whether `later`, which came later, takes the place of `holder`. */
function outranks(later: Holder, holder: Holder): boolean {
  if (later.endTime !== holder.endTime) return later.endTime > holder.endTime
  return later.digest >= holder.digest
}
