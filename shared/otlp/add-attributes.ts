import type { Attributes } from '../spans/attributes.ts'
import { writeAttributes } from './encode-attributes.ts'
import { BUS_LIMITS } from './limits.ts'
import { WireReader } from './wire-reader.ts'
import { WireWriter } from './wire-writer.ts'

const writer = new WireWriter()

/**
 * Adds attributes to the spans of an `ExportTraceServiceRequest` without decoding them: `additions[i]` goes to the end of the
 * i-th span in wire order, everything else is copied as it is. Throws `otlp/malformed` where the envelope is broken; what is
 * inside a span is not looked at.
 */
export function addSpanAttributes(data: Uint8Array, additions: readonly (Attributes | undefined)[]): Uint8Array {
  const reader = new WireReader(data, BUS_LIMITS)
  let index = 0
  const writeSpan = (stop: number) => {
    const addition = additions[index++]
    const size = stop - reader.pos
    const guess = addition === undefined ? size : size + 512
    const start = writer.open(0x12, guess)
    copy(reader, reader.pos, stop)
    if (addition !== undefined) writeAttributes(writer, 0x4a, addition)
    writer.close(start, guess)
  }
  try {
    writeNested(reader, data.length, 0x0a, (resourceEnd) =>
      nest(reader, 0x0a, resourceEnd, () =>
        writeNested(reader, resourceEnd, 0x12, (scopeEnd) =>
          nest(reader, 0x12, scopeEnd, () => writeNested(reader, scopeEnd, 0x12, writeSpan)),
        ),
      ),
    )
    return writer.take()
  } finally {
    writer.reset()
  }
}

/** Goes through the fields up to `stop`: those of `tag` are for `write`, all others are copied. */
function writeNested(reader: WireReader, stop: number, tag: number, write: (end: number) => void): void {
  while (reader.pos < stop) {
    const start = reader.pos
    const found = reader.tag(stop)
    if (found === tag) {
      const end = reader.end(stop)
      write(end)
      reader.pos = end
    } else {
      reader.skip(found, stop, 0, 0)
      copy(reader, start, reader.pos)
    }
  }
}

/** Wraps what `write` writes in a message. It grows, by how much is not known: a tenth is a fair guess. */
function nest(reader: WireReader, tag: number, stop: number, write: () => void): void {
  const guess = (stop - reader.pos) * 1.1
  const start = writer.open(tag, guess)
  write()
  writer.close(start, guess)
}

function copy(reader: WireReader, start: number, end: number): void {
  writer.raw(reader.bytes.subarray(start, end))
}
