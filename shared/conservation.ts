/** What a sink itself says of the spans it took. */
export interface SinkCounts {
  readonly stored: bigint
  /** Spans that the sink already had from another export. */
  readonly duplicates: bigint
  /** Spans set aside, readable, because their times cannot be right. Most sinks have none. */
  readonly quarantined?: bigint
  /** Spans that were stored until retention deleted them. Most sinks keep what they have. */
  readonly expired?: bigint
}

/** What became of the spans that one sink should have got. */
export interface SinkReport extends Required<SinkCounts> {
  /** Waiting or being handled, here or on an earlier hop. */
  readonly inFlight: bigint
  /** Dead-lettered, by reason. */
  readonly dead: Readonly<Record<string, bigint>>
}

/**
 * Where every span of a project is. For each sink: accepted = stored + duplicates + quarantined + expired + in flight +
 * dead.
 */
export interface ConservationReport {
  readonly projectId: string
  readonly accepted: bigint
  /** Refused at the edge, by reason; the client was told. */
  readonly rejected: Readonly<Record<string, bigint>>
  readonly sinks: Readonly<Record<string, SinkReport>>
  /** Whether the equation holds for every sink. */
  readonly balanced: boolean
}

export type Conservation = (project: string) => Promise<ConservationReport>
