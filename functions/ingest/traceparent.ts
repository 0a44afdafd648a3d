const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}/
const LENGTH = 55

/** A W3C `traceparent` header that may be passed on; '' for any other. Of a future version what we know of it. */
export function validTraceparent(header: string | null): string {
  if (header === null || !TRACEPARENT.test(header)) return ''
  if (header.length > LENGTH && (header.startsWith('00') || header[LENGTH] !== '-')) return ''
  return header.slice(0, LENGTH)
}
