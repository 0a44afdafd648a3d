import { type ByteSink, reserve, writeVarint } from './byte-sink.ts'

const GROUP = 8

/** How many bits hold every integer up to `max`; at least 1, since some readers stumble over a width of 0. */
export function bitWidth(max: number): number {
  return Math.max(1, 32 - Math.clz32(max))
}

/**
 * Parquet's RLE/bit-packed hybrid of `values[start..end)`, each below 2^width, width ≤ 24: a run of eight or more equal values becomes
 * a repeat, the rest groups of eight packed from the lowest bit up.
 */
export function writeHybrid(
  sink: ByteSink,
  values: Uint8Array | Uint32Array,
  range: { readonly start: number; readonly end: number },
  width: number,
): void {
  const { end } = range
  let from = range.start
  while (from < end) {
    const run = runLength(values, from, end)
    if (run >= GROUP || run === end - from) {
      writeVarint(sink, run * 2)
      writeRepeated(sink, values[from] ?? 0, width)
      from += run
      continue
    }
    let to = from + GROUP
    while (to < end && !startsRun(values, to, end)) to += GROUP
    writePacked(sink, values, from, to, Math.min(to, end), width)
    from = to
  }
}

function runLength(values: Uint8Array | Uint32Array, from: number, end: number): number {
  const value = values[from]
  let to = from + 1
  while (to < end && values[to] === value) to++
  return to - from
}

function startsRun(values: Uint8Array | Uint32Array, from: number, end: number): boolean {
  if (end - from < GROUP) return false
  const value = values[from]
  for (let at = from + 1; at < from + GROUP; at++) if (values[at] !== value) return false
  return true
}

function writeRepeated(sink: ByteSink, value: number, width: number): void {
  reserve(sink, 3)
  for (let shift = 0; shift < width; shift += 8) sink.bytes[sink.length++] = value >>> shift
}

/** Packs `values[from..end)`, padded with zeros up to `to`. */
function writePacked(
  sink: ByteSink,
  values: Uint8Array | Uint32Array,
  from: number,
  to: number,
  end: number,
  width: number,
): void {
  const groups = (to - from) / GROUP
  writeVarint(sink, groups * 2 + 1)
  reserve(sink, groups * width)
  const { bytes } = sink
  let at = sink.length
  let bits = 0
  let held = 0
  for (let index = from; index < to; index++) {
    bits |= (index < end ? (values[index] as number) : 0) << held
    held += width
    while (held >= 8) {
      bytes[at++] = bits
      bits >>>= 8
      held -= 8
    }
  }
  sink.length = at
}
