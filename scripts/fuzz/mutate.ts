import { enclose, mutateField } from './fields.ts'
import type { Random } from './random.ts'

const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex')

/** What has broken decoders of protobuf before. */
const NASTY_BYTES: readonly Buffer[] = [
  bytes('ffffffffffffffffff01'), // -1
  bytes('80808080808080808001'), // the least int64
  bytes('ffffffff0f'), // a length of 4 GiB
  bytes('ffffffff07'), // and of 2 GiB
  bytes('808080808080808080808001'), // a varint too long
  bytes('8000'), // zero in two bytes
  bytes('00'), // field 0
  bytes('0b'), // a group begins
  bytes('0c'), // a group ends
  bytes('ffff'),
  bytes('eda080'), // a surrogate
  bytes('c080'), // an overlong NUL
  bytes('f4908080'), // past the end of Unicode
  bytes('0a022a00'), // an empty array in a list
  bytes('32020a00'), // a key-value list with an empty pair
  Buffer.alloc(16),
  Buffer.alloc(8, 0xff), // a time past 2^63, NaN
]

/** And of JSON. */
const NASTY_TEXTS: readonly Buffer[] = [
  '1e999',
  '-0',
  '9223372036854775808',
  '99999999999999999999999999999999999999999',
  '0.1e-400',
  'null',
  'true',
  '[]',
  '{}',
  '""',
  '"\\ud800"',
  '"\\u0000"',
  '"NaN"',
  '"__proto__"',
  '{"__proto__":null}',
  '\\',
  '"',
  ',',
  ':',
  '{"arrayValue":{"values":[{"arrayValue":{"values":[{}]}}]}}',
  '"AAAAAAAAAAA="',
  '"0"',
].map((text) => Buffer.from(text))

type Mutation = (data: Buffer, random: Random, asJson: boolean) => Buffer

const flipBits: Mutation = (data, random) => {
  const copy = Buffer.from(data)
  for (let count = 1 + random.below(4); count > 0; count--) {
    const at = random.below(copy.length)
    copy[at] = copy[at]! ^ (1 << random.below(8))
  }
  return copy
}

const truncate: Mutation = (data, random) => data.subarray(0, random.below(data.length))

const remove: Mutation = (data, random) => {
  const at = random.below(data.length)
  return Buffer.concat([data.subarray(0, at), data.subarray(at + 1 + random.below(16))])
}

/** Moves a stretch of the payload to another place in it. */
const splice: Mutation = (data, random) => {
  const from = random.below(data.length)
  const at = random.below(data.length)
  return Buffer.concat([data.subarray(0, at), data.subarray(from, from + random.below(64)), data.subarray(at)])
}

const insertNasty: Mutation = (data, random, asJson) => {
  const at = random.below(data.length)
  const nasty = random.pick(asJson ? NASTY_TEXTS : NASTY_BYTES)
  return Buffer.concat([data.subarray(0, at), nasty, data.subarray(at + (random.chance(0.5) ? nasty.length : 0))])
}

/** Replaces a whole JSON value, which keeps the syntax more often than not; in protobuf, a byte that may be a length. */
const lie: Mutation = (data, random, asJson) => {
  if (!asJson) {
    const copy = Buffer.from(data)
    copy[random.below(copy.length)] = random.pick([0, 1, 0x7f, 0x80, 0xff, random.below(256)])
    return copy
  }
  const text = data.toString('latin1')
  const start = text.indexOf(':', random.below(text.length)) + 1
  const end = text.slice(start).search(/[,}\]]/)
  if (start === 0 || end < 0) return insertNasty(data, random, asJson)
  return Buffer.concat([data.subarray(0, start), random.pick(NASTY_TEXTS), data.subarray(start + end)])
}

/** Nests arrays and key-value lists: in JSON around a value, in protobuf in place of the payload's tail. */
const nest: Mutation = (data, random, asJson) => {
  const depth = 1 + random.below(random.chance(0.1) ? 1500 : 60)
  const at = random.below(data.length)
  if (asJson) {
    const open = random.pick(['[', '{"a":', '{"arrayValue":{"values":[', '{"kvlistValue":{"values":[{"value":'])
    return Buffer.concat([data.subarray(0, at), Buffer.from(open.repeat(depth)), data.subarray(at)])
  }
  let value: Buffer = Buffer.alloc(0)
  for (let level = 0; level < depth; level++) value = enclose(0x2a, enclose(0x0a, value))
  return Buffer.concat([data, enclose(0x0a, enclose(0x12, enclose(0x12, enclose(0x4a, enclose(0x12, value)))))])
}

const inField: Mutation = (data, random, asJson) =>
  asJson ? lie(data, random, asJson) : mutateField(data, random, NASTY_BYTES)

const MUTATIONS: readonly Mutation[] = [
  flipBits,
  truncate,
  remove,
  splice,
  insertNasty,
  lie,
  inField,
  inField,
  inField,
  inField,
  nest,
]

/** Mutations repeat what they find, and one another. */
const MAX_BYTES = 128 * 1024

/** `data` after one mutation, or a few. */
export function mutate(data: Buffer, random: Random, asJson: boolean): Buffer {
  let result = data
  for (let more = true; more; more = random.chance(0.3)) {
    if (result.length === 0) return result
    result = random.pick(MUTATIONS)(result, random, asJson).subarray(0, MAX_BYTES)
  }
  return result
}
