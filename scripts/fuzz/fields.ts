import type { Random } from './random.ts'

/** One field as it lies on the wire: its tag, and all of it, tag included. */
interface Field {
  readonly tag: number
  readonly whole: Buffer
  /** What is inside a length-delimited field. */
  readonly content: Buffer | undefined
}

/**
 * Mutates one field of a protobuf message, at any depth, and mends all lengths around it: what comes out is well-formed on the
 * outside, so that decoding gets to what is not. `nasty` are contents to put in.
 */
export function mutateField(data: Buffer, random: Random, nasty: readonly Buffer[]): Buffer {
  const fields = parseFields(data)
  if (fields === undefined || fields.length === 0) return random.pick(nasty)
  const index = random.below(fields.length)
  const field = fields[index]!
  const pieces = fields.map(({ whole }) => whole)
  if (field.content !== undefined && random.chance(0.8)) {
    pieces[index] = enclose(field.tag, mutateField(field.content, random, nasty))
  } else {
    pieces.splice(index, 1, ...random.pick(FIELD_MUTATIONS)(field, random, nasty))
  }
  return Buffer.concat(pieces)
}

/** Of a repeated field, in bytes: enough to break the limit of attributes. */
const MAX_REPEATED = 64 * 1024

type FieldMutation = (field: Field, random: Random, nasty: readonly Buffer[]) => Buffer[]

const FIELD_MUTATIONS: readonly FieldMutation[] = [
  () => [],
  ({ whole }) => [whole, whole],
  ({ whole }, random) => Array.from({ length: random.below(Math.min(700, MAX_REPEATED / whole.length)) }, () => whole),
  ({ tag }, random, nasty) => [enclose(tag, random.pick(nasty))],
  ({ content, whole }, random) => [enclose(random.below(17) * 8 + 2, content ?? whole)],
  ({ content, whole }, random) => [whole, enclose(random.below(17) * 8 + 2, content ?? whole)],
  ({ whole }, random) => [Buffer.concat([Buffer.from([random.below(128)]), whole.subarray(1)])],
]

/** A length-delimited field of `tag`, around `content`. */
export function enclose(tag: number, content: Buffer): Buffer {
  const prefix = [tag]
  let rest = content.length
  for (; rest > 0x7f; rest >>= 7) prefix.push((rest & 0x7f) | 0x80)
  return Buffer.concat([Buffer.from([...prefix, rest]), content])
}

/** The fields of what may be a message; undefined where it is none. Tags of one byte are all that OTLP has, but for one. */
function parseFields(data: Buffer): Field[] | undefined {
  const fields: Field[] = []
  for (let at = 0; at < data.length; ) {
    const start = at
    const tag = data[at++]!
    if (tag > 0x7f) return undefined
    let value = 0
    const type = tag & 7
    if (type === 0 || type === 2) {
      let scale = 1
      while (at < data.length && data[at]! > 0x7f) {
        value += (data[at++]! & 0x7f) * scale
        scale *= 128
      }
      value += (data[at++] ?? 0) * scale
    }
    const from = at
    if (type === 2) at += value
    else if (type === 1) at += 8
    else if (type === 5) at += 4
    else if (type !== 0) return undefined
    if (at > data.length) return undefined
    fields.push({ tag, whole: data.subarray(start, at), content: type === 2 ? data.subarray(from, at) : undefined })
  }
  return fields
}
