/**
 * Bounds on what is accepted. A span that breaks one is rejected alone; a request that breaks `maxBytes` or `maxObjects` is
 * refused whole, before what it holds is built.
 */
export interface OtlpLimits {
  /** Of one request, decompressed, in bytes. */
  readonly maxBytes: number
  /** Attributes of one span, event, link, scope or resource, and members of one key-value list, duplicates included. */
  readonly maxAttributes: number
  /** Of one attribute key or string or bytes value, and of a status message, in bytes. */
  readonly maxAttributeBytes: number
  /** Of one span's, event's or scope's name, scope version, trace state or schema URL, in bytes. */
  readonly maxNameBytes: number
  /** Nesting of arrays and key-value lists in one attribute; at most {@link MAX_DEPTH}. */
  readonly maxDepth: number
  /** Of one resource or scope as sent, in bytes: each message that its spans are split into repeats it. */
  readonly maxResourceBytes: number
  /**
   * Spans, events, links, arrays (and each eight of their elements) and key-value lists of one request: what a few bytes can
   * inflate to much memory with.
   */
  readonly maxObjects: number
}

/** What the call stack bears whatever the configuration says. */
export const MAX_DEPTH = 200

export const DEFAULT_LIMITS: OtlpLimits = {
  maxBytes: 16 * 1024 * 1024,
  maxAttributes: 512,
  maxAttributeBytes: 7 * 1024 * 1024,
  maxNameBytes: 64 * 1024,
  maxDepth: 32,
  maxResourceBytes: 512 * 1024,
  maxObjects: 250_000,
}

/** For what is already on the bus: bounded by what `ingest` let through, whatever its limits were then. */
export const BUS_LIMITS: OtlpLimits = {
  maxBytes: Number.MAX_SAFE_INTEGER,
  maxAttributes: Number.MAX_SAFE_INTEGER,
  maxAttributeBytes: Number.MAX_SAFE_INTEGER,
  maxNameBytes: Number.MAX_SAFE_INTEGER,
  maxDepth: MAX_DEPTH,
  maxResourceBytes: Number.MAX_SAFE_INTEGER,
  maxObjects: Number.MAX_SAFE_INTEGER,
}
