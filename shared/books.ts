/** Something that happened to a message, as the books of Google Cloud have it. Entered twice it counts once. */
export interface BookEntry {
  /** `ingest` took its spans, or refused some; a subscription stored them, gave it up, or was delivered it again. */
  readonly kind: 'accepted' | 'rejected' | 'stored' | 'dead' | 'replayed'
  readonly project: string
  readonly digest: string
  /** How many spans this is about. */
  readonly spans: number
  /** Which stored it, gave it up or is to have it again; else ''. */
  readonly subscription: string
  /** Of a rejection and a death; else ''. */
  readonly reason: string
  /** Milliseconds since 1970; of what is stored, when `ingest` took it. */
  readonly at: number
}

/** What the books say of one project. */
export interface BookTotals {
  /** Spans that `ingest` took, whether or not its record of them has come yet. */
  readonly accepted: bigint
  /** Refused at the edge, by reason. */
  readonly rejected: Readonly<Record<string, bigint>>
  /** Given up and not replayed since, by subscription and reason. */
  readonly dead: Readonly<Record<string, Readonly<Record<string, bigint>>>>
}

/** What became of messages, beyond what the sinks hold. Both reject with `store/unavailable`. */
export interface Books {
  enter(entries: readonly BookEntry[]): Promise<void>
  totals(project: string): Promise<BookTotals>
}
