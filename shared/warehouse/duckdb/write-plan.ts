import type { RowContext } from '../../spans/columns.ts'
import { spanBytes } from '../../spans/size.ts'
import { type Correction, correctedLedger, supersedes, toCorrection } from '../correction.ts'
import type { BatchResult, SpanBatch } from '../trace-store.ts'
import type { SeenKeys } from './seen-keys.ts'
import type { SpanRow } from './span-appender.ts'
import { keyToInt64, type SpanKey, spanKey } from './span-key.ts'

/** Which span a row is about. */
export interface SpanIdentity {
  readonly project: string
  readonly traceId: string
  readonly spanId: string
}

/** A span that is stored already. */
export interface StoredVersion extends SpanIdentity {
  readonly rowid: bigint
  readonly endTime: bigint
  readonly digest: string
  readonly key: bigint
  /** In how many rows of `large_spans` it is; 0 if it is all in its row. */
  readonly parts: number
}

/** A row of the table `corrections`. */
export interface SpanCorrection extends SpanIdentity, Correction {
  readonly key: SpanKey
}

/** What can be asked of the tables while a write is planned; each at most once. */
export interface StoredSpans {
  /** Those of `digests` that are stored. */
  digests(digests: readonly string[]): Promise<ReadonlySet<string>>
  /** All spans with one of these keys. */
  versions(keys: readonly bigint[]): Promise<readonly StoredVersion[]>
  /** All corrections of spans with one of these keys. */
  corrections(keys: readonly bigint[]): Promise<readonly (SpanIdentity & Correction)[]>
  /** The rows with these row ids: of a large span its beginnings. */
  spans(rowids: readonly bigint[]): Promise<readonly SpanRow[]>
}

/** What a write changes. */
export interface WritePlan {
  readonly insert: readonly SpanRow[]
  /** Row ids of stored spans that are replaced. */
  readonly remove: readonly bigint[]
  /** Those of them that are in `large_spans` and are there no more. */
  readonly removeLarge: readonly StoredVersion[]
  readonly corrections: readonly SpanCorrection[]
  /** In the order of the batches. */
  readonly results: readonly BatchResult[]
  /** The batches whose digest is not stored yet. */
  readonly newBatches: readonly NewBatch[]
}

/** A row of the table `batches`. */
export interface NewBatch {
  readonly context: RowContext
  readonly spans: number
  readonly result: BatchResult
}

interface IncomingSpan extends SpanRow {
  readonly batch: number
}

interface IncomingCorrection extends SpanCorrection {
  readonly batch: number
}

/** The version of a span that holds so far: an incoming one, or a stored one. */
interface Holder {
  readonly endTime: bigint
  readonly digest: string
  readonly incoming?: IncomingSpan
  readonly stored?: StoredVersion
}

/**
 * Decides what of `batches` goes into the tables, so that each digest counts once and each span is stored once. Of two versions
 * of a span the one with the later end holds, then the one with the greater digest, then the later one of the same batch; of
 * all ledgers of a span, the one with the highest revision.
 * The tables are asked only about what `seen` may have seen: most writes ask nothing.
 */
export async function planWrite(
  batches: readonly SpanBatch[],
  seen: SeenKeys,
  stored: StoredSpans,
): Promise<WritePlan> {
  const doubtful = new Set<number>()
  // Before the spans, so that a span is suspect whose correction is written with it.
  const corrections = batches.flatMap((batch, index) => incomingCorrections(batch, index))
  for (const { key, batch } of corrections) {
    seen.add(key)
    doubtful.add(batch)
  }
  const spans: IncomingSpan[] = []
  const suspects: IncomingSpan[] = []
  for (const [batch, { context, spans: priced }] of batches.entries()) {
    if (priced.length === 0) doubtful.add(batch)
    for (const item of priced) {
      const key = spanKey(context.project, item.span.traceId, item.span.spanId)
      const incoming = { priced: item, context, key, batch, bytes: spanBytes(item.span), parts: 0 }
      spans.push(incoming)
      if (!seen.add(key)) continue
      suspects.push(incoming)
      doubtful.add(batch)
    }
  }
  const known = await knownBatches(batches, doubtful, stored)
  const counts = batches.map(() => ({ stored: 0, duplicates: 0 }))
  const fresh = known.size === 0 ? spans : spans.filter(({ batch }) => !known.has(batch))
  const change =
    suspects.length === 0 && corrections.length === 0
      ? { insert: countStored(fresh, counts), remove: [], removeLarge: [], corrections: [] }
      : await settle(
          fresh,
          suspects,
          corrections.filter(({ batch }) => !known.has(batch)),
          counts,
          stored,
        )
  const newBatches = batches.flatMap(({ context, spans: { length } }, index) =>
    known.has(index) ? [] : [{ context, spans: length, result: counts[index] as BatchResult }],
  )
  return { ...change, results: counts, newBatches }
}

function incomingCorrections({ context, corrections = [] }: SpanBatch, batch: number): IncomingCorrection[] {
  return corrections.map(({ span: { traceId, spanId }, ledger }) => {
    const { project } = context
    return { project, traceId, spanId, key: spanKey(project, traceId, spanId), batch, ...toCorrection(ledger) }
  })
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

/** Settles which version and which ledger of each span holds, where there may be more than one. */
async function settle(
  spans: readonly IncomingSpan[],
  suspects: readonly IncomingSpan[],
  corrections: readonly IncomingCorrection[],
  counts: Counts,
  stored: StoredSpans,
): Promise<Pick<WritePlan, 'insert' | 'remove' | 'removeLarge' | 'corrections'>> {
  const keys = [...new Set([...suspects, ...corrections].map(({ key }) => keyToInt64(key)))]
  const holders = new Map<string, Holder>()
  for (const version of await stored.versions(keys)) holders.set(identity(version), { ...version, stored: version })
  const ledgers = new Map<string, Correction>(
    (await stored.corrections(keys)).map((correction) => [identity(correction), correction]),
  )
  const newCorrections = new Map<string, SpanCorrection>()
  for (const correction of corrections) {
    const id = identity(correction)
    if (!supersedes(correction, ledgers.get(id))) continue
    ledgers.set(id, correction)
    newCorrections.set(id, correction)
  }
  const { dropped, replaced } = settleVersions(spans, suspects, holders, counts)
  const outdated: bigint[] = []
  for (const id of newCorrections.keys()) {
    const version = holders.get(id)?.stored
    if (version !== undefined) outdated.push(version.rowid)
  }
  const insert = spans.filter((incoming) => !dropped.has(incoming)).map((row) => withLedger(row, ledgers))
  for (const row of outdated.length === 0 ? [] : await stored.spans(outdated)) insert.push(withLedger(row, ledgers))
  return {
    insert,
    remove: [...replaced.map(({ rowid }) => rowid), ...outdated],
    removeLarge: replaced.filter(({ parts }) => parts > 0),
    corrections: [...newCorrections.values()],
  }
}

/** Lets incoming spans and `holders` contend; `holders` then has the versions that hold. */
function settleVersions(
  spans: readonly IncomingSpan[],
  suspects: readonly IncomingSpan[],
  holders: Map<string, Holder>,
  counts: Counts,
): { readonly dropped: ReadonlySet<IncomingSpan>; readonly replaced: readonly StoredVersion[] } {
  const contested = new Set(suspects.map(rowIdentity))
  const dropped = new Set<IncomingSpan>()
  const replaced: StoredVersion[] = []
  for (const incoming of spans) {
    const count = counts[incoming.batch] as Counts[number]
    const id = rowIdentity(incoming)
    const holder = contested.has(id) ? holders.get(id) : undefined
    if (holder === undefined) count.stored++
    else count.duplicates++
    if (!contested.has(id)) continue
    const version = { endTime: incoming.priced.span.endTimeUnixNano, digest: incoming.context.digest, incoming }
    if (holder !== undefined && !outranks(version, holder)) {
      dropped.add(incoming)
      continue
    }
    if (holder?.incoming !== undefined) dropped.add(holder.incoming)
    if (holder?.stored !== undefined) replaced.push(holder.stored)
    holders.set(id, version)
  }
  return { dropped, replaced }
}

function withLedger(row: SpanRow, ledgers: ReadonlyMap<string, Correction>): SpanRow {
  const correction = ledgers.size === 0 ? undefined : ledgers.get(rowIdentity(row))
  if (correction === undefined) return row
  return { ...row, priced: { span: row.priced.span, ledger: correctedLedger(correction) } }
}

function rowIdentity({ priced: { span }, context }: SpanRow): string {
  return identity({ project: context.project, traceId: span.traceId, spanId: span.spanId })
}

/** The ids are hex, so whatever a project's name is, no two identities are the same text. */
function identity({ project, traceId, spanId }: SpanIdentity): string {
  return `${project}/${traceId}/${spanId}`
}

/** Whether `later`, which came later, takes the place of `holder`. */
function outranks(later: Holder, holder: Holder): boolean {
  if (later.endTime !== holder.endTime) return later.endTime > holder.endTime
  return later.digest >= holder.digest
}
