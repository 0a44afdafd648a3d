/** Names of the topics, the same on every platform. */
export const TOPICS = ['spans', 'priced-spans', 'budget-alerts'] as const
export type Topic = (typeof TOPICS)[number]

/** Who listens to what: subscription → topic. Each subscription gets every message of its topic. */
export const SUBSCRIPTIONS = {
  price: 'spans',
  budget: 'priced-spans',
  warehouse: 'priced-spans',
  lake: 'priced-spans',
  forward: 'priced-spans',
  notify: 'budget-alerts',
} as const satisfies Record<string, Topic>
export type Subscription = keyof typeof SUBSCRIPTIONS

/** A message is at most this many bytes of payload; larger exports are split at span borders. */
export const MAX_MESSAGE_BYTES = 8 * 1024 * 1024

/** Attributes of every message, as Pub/Sub carries them. */
export interface MessageAttributes {
  /** The tenant; never empty. */
  readonly project: string
  /** Hex SHA-256 of project and payload as `ingest` first published it: the idempotency key on every later hop. */
  readonly digest: string
  /** How many spans the payload holds. */
  readonly spans: number
  /** When `ingest` took it: nanoseconds since 1970, decimal. */
  readonly ingestedAt: string
  /** W3C trace context of the request; '' if it had none. */
  readonly traceparent: string
  /** Id of the API key that sent it (never its secret). Absent where none was needed. */
  readonly keyId?: string
  /** Spans of the same export that were refused, by reason. Absent when none was. */
  readonly rejected?: Readonly<Record<string, number>>
}

/** One `ExportTraceServiceRequest` in protobuf, at most {@link MAX_MESSAGE_BYTES}. */
export interface Message {
  readonly data: Uint8Array
  readonly attributes: MessageAttributes
}

/** A message on its way to one subscription. */
export interface Delivery extends Message {
  /** Of this delivery, for {@link MessageSource.settle}. */
  readonly id: string
  /** 1 on the first try. */
  readonly attempt: number
}

/**
 * What a subscriber says of a delivery: done; try again later; or never again, keep it with the reason.
 * `retry` does not count against the message when `blameless`: the sink, not the message, is at fault.
 */
export type Outcome =
  | { readonly kind: 'ack' }
  | { readonly kind: 'retry'; readonly reason: string; readonly blameless?: boolean }
  | { readonly kind: 'dead'; readonly reason: string }

export const ACK: Outcome = { kind: 'ack' }

/** The publishing side of the bus: at least once, durable. */
export interface Bus {
  /**
   * Resolves when every message is durable (fsynced, or acknowledged by Pub/Sub); rejects with `bus/unavailable` or
   * `bus/full` when not all of them are. Publishing a digest again is harmless.
   */
  publish(topic: Topic, messages: readonly Message[]): Promise<void>
  /** Resolves when what is under way is durable; every later publish rejects with `bus/closed`. */
  close(): Promise<void>
}

/** How much a pull takes: it returns when either bound is reached, or `lingerMs` after the first message. */
export interface PullOptions {
  readonly maxMessages: number
  readonly maxBytes: number
  readonly lingerMs: number
  readonly signal: AbortSignal
}

/** The receiving side of the bus for one subscription. */
export interface MessageSource {
  /** Waits for messages; an empty list only when `signal` is aborted. Unsettled messages come back after a while. */
  pull(options: PullOptions): Promise<Delivery[]>
  settle(outcomes: ReadonlyMap<string, Outcome>): Promise<void>
  close(): Promise<void>
}

/**
 * A consumer of one subscription: the same code in a function and in a worker thread. Returns one outcome for each
 * delivery, in order; throwing means `retry` for all. Must tolerate any delivery twice and in any order.
 */
export interface Subscriber {
  handle(deliveries: readonly Delivery[]): Promise<readonly Outcome[]>
  close(): Promise<void>
}
