/** What became of the spans that one sink should have got. */
export interface SinkReport {
  readonly stored: bigint
  /** Spans that the sink already had from another export. */
  readonly duplicates: bigint
  /** Waiting or being handled, here or on an earlier hop. */
  readonly inFlight: bigint
  /** Dead-lettered, by reason. */
  readonly dead: Readonly<Record<string, bigint>>
}

/** Where every span of a project is. For each sink: accepted = stored + duplicates + in flight + dead. */
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
