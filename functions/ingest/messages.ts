import { createHash } from 'node:crypto'
import type { Message, MessageAttributes } from '../../shared/bus/bus.ts'
import { encodeTraces } from '../../shared/otlp/encode.ts'
import { type DecodedTraces, reject } from '../../shared/otlp/rejections.ts'
import { splitTraces } from '../../shared/otlp/split.ts'

/** What a request gives every message that it becomes. */
export interface Origin {
  readonly project: string
  /** Nanoseconds since 1970. */
  readonly ingestedAt: bigint
  /** '' if there was none. */
  readonly traceparent: string
  /** Of the API key it came with; '' if it needed none. */
  readonly keyId: string
  /** The request, decompressed. */
  readonly body: Uint8Array
}

/**
 * The messages that a request becomes: none for an empty one. A span too large for a message joins `traces.rejected`. The first
 * message tells of the refused spans, and is sent though it has no spans if all were refused, so that they are counted.
 */
export function toMessages(
  traces: DecodedTraces,
  { project, ingestedAt, traceparent, keyId, body }: Origin,
): Message[] {
  const parts = splitTraces(traces.spans, { tooLarge: () => reject(traces, 'span_too_large') })
  const sender = keyId === '' ? {} : { keyId }
  const attributes = { project, ingestedAt: ingestedAt.toString(), traceparent, ...sender }
  const messages = parts.map(({ data, spans }): Message => {
    return { data, attributes: { ...attributes, spans, digest: digest(project, data) } }
  })
  if (traces.rejected.size === 0) return messages
  const rejected = Object.fromEntries(traces.rejected)
  const [first, ...others] = messages
  if (first !== undefined) return [{ ...first, attributes: { ...first.attributes, rejected } }, ...others]
  const refusal: MessageAttributes = { ...attributes, spans: 0, digest: digest(project, 'rejected\0', body), rejected }
  return [{ data: encodeTraces([]), attributes: refusal }]
}

/** Equal when a client sends the same export again, whatever its encoding and compression. */
function digest(project: string, ...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256').update(project).update('\0')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}
