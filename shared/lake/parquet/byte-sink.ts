/** A growing run of bytes. `bytes` beyond `length` is free space; it is replaced when it runs out. */
export interface ByteSink {
  bytes: Buffer
  length: number
}

export function createByteSink(capacity = 1024): ByteSink {
  return { bytes: Buffer.allocUnsafe(capacity), length: 0 }
}

/** Makes room for `count` more bytes. */
export function reserve(sink: ByteSink, count: number): void {
  const needed = sink.length + count
  if (needed <= sink.bytes.length) return
  const grown = Buffer.allocUnsafe(Math.max(needed, sink.bytes.length * 2))
  sink.bytes.copy(grown, 0, 0, sink.length)
  sink.bytes = grown
}

export function writeBytes(sink: ByteSink, bytes: Uint8Array): void {
  reserve(sink, bytes.length)
  sink.bytes.set(bytes, sink.length)
  sink.length += bytes.length
}

/** What was written so far, without a copy: valid until the next write. */
export function writtenBytes(sink: ByteSink): Buffer {
  return sink.bytes.subarray(0, sink.length)
}

/** An unsigned LEB128. */
export function writeVarint(sink: ByteSink, value: number): void {
  reserve(sink, 5)
  let rest = value
  while (rest > 127) {
    sink.bytes[sink.length++] = (rest & 127) | 128
    rest >>>= 7
  }
  sink.bytes[sink.length++] = rest
}
