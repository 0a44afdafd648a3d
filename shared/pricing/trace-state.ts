import type { GenAiCall } from '../genai/call.ts'
import type { Usage } from '../genai/usage.ts'
import type { SpanKind } from '../spans/span.ts'
import type { Link } from './lineage.ts'
import type { FirstSaid } from './receipt.ts'

/** A span with a usage as it is kept: enough to price it anew, and to name it in a correction. */
export interface KeptUsage {
  readonly spanId: string
  readonly call: GenAiCall
  readonly name: string
  readonly kind: SpanKind
  readonly service: string
  readonly startTimeUnixNano: bigint
  readonly endTimeUnixNano: bigint
  /** The budget reservation that it names. */
  readonly reservation?: string
  /** What it was first said to bill. */
  readonly billed: Usage
  /** What that was said to cost, where the project has a price of its own for it: such prices change. */
  readonly said?: FirstSaid
}

/** What a span bills since `revision`. */
export interface KeptCorrection {
  readonly spanId: string
  readonly revision: number
  readonly billed: Usage
  /** Beginning of the digest of the message whose version of the span this is of. */
  readonly of?: string
  /** And of the one whose version was said to cost something first, where that is another. */
  readonly was?: string
}

/** What one message said of one trace, and what that changed. Never changed after it is appended. */
export interface TraceEntry {
  readonly digest: string
  readonly links: ReadonlyMap<string, Link>
  readonly usages: readonly KeptUsage[]
  readonly corrections: readonly KeptCorrection[]
}

export interface TraceKey {
  readonly project: string
  readonly traceId: string
}

/** A trace and what is to be remembered of it from now on. */
export interface TraceAppend extends TraceKey {
  readonly entry: TraceEntry
}

/** Most entries of a trace that a store reads: more are neither asked for nor added to. */
export const MAX_KEPT_ENTRIES = 4000

/** How long entries are kept, in milliseconds. */
export const KEEP_MS = 24 * 60 * 60 * 1000

/** What is known of a trace: its entries, in any order, at most {@link MAX_KEPT_ENTRIES}. */
export type KnownTrace = (key: TraceKey) => readonly TraceEntry[]

/**
 * Remembers for a day what messages said of traces, for all instances that price. One transaction reads and appends for all messages
 * of a pull; rejects with `store/unavailable` when it was not done.
 */
export interface TraceStateStore {
  /**
   * `decide` is given what is kept of `keys` and says what to append; it may be called again, so it must have no effects,
   * and is not called before `ready`, which may be waited for while what is kept is read.
   * Of transactions that share a trace one sees what the other has appended.
   */
  transact<T>(
    keys: readonly TraceKey[],
    decide: (known: KnownTrace) => { readonly append: readonly TraceAppend[]; readonly result: T },
    ready?: Promise<unknown>,
  ): Promise<T>
  close(): Promise<void>
}
