import fc from 'fast-check'
import { expect, test } from 'vitest'
import { memberReader } from './member-reader.ts'
import { OBJECT, type Said, type Shape, VALUE } from './member-shape.ts'

const SHAPE = {
  usage: {
    prompt_tokens: VALUE,
    output: VALUE,
    prompt_tokens_details: { cached_tokens: VALUE, 'ü"\n': VALUE, '': VALUE },
    details: ['cost', 'model', 'cost '],
    cost: { total: VALUE },
  },
  model: VALUE,
  usagf: VALUE,
} as const
const reader = memberReader(SHAPE)

/** What was said as one tree, as parsing gives it. */
function treeOf(said: Said, shape: Shape, at: Readonly<Record<string, unknown>>): unknown {
  if (said[at.self as number] !== OBJECT) return said[at.self as number]
  const members = Object.entries(shape).map(([name, kind]): [string, unknown] => {
    if (isShape(kind)) return [name, treeOf(said, kind, at[name] as Readonly<Record<string, unknown>>)]
    return [name, said[at[name] as number]]
  })
  return Object.fromEntries(members)
}

const read = (text: string) => treeOf(reader.read(text), SHAPE, reader.at)

/** The same of a parsed text. */
function project(value: unknown, shape: Shape): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const object = value as Readonly<Record<string, unknown>>
  const members = Object.entries(shape).map(([name, kind]): [string, unknown] => {
    const own = Object.hasOwn(object, name) ? object[name] : undefined
    if (isShape(kind)) return [name, project(own, kind)]
    return [name, kind === VALUE ? own : rows(own, kind as readonly string[])]
  })
  return Object.fromEntries(members)
}

/** What the objects in a list say under some names, one behind the other. */
function rows(value: unknown, names: readonly string[]): unknown {
  if (!Array.isArray(value)) return undefined
  const objects = value.filter((one) => typeof one === 'object' && one !== null && !Array.isArray(one))
  return objects.flatMap((one) => names.map((name) => (Object.hasOwn(one, name) ? one[name] : null)))
}

function isShape(kind: Shape[string]): kind is Shape {
  return typeof kind === 'object' && !Array.isArray(kind)
}

const NAMES = ['usage', 'prompt_tokens', 'output', 'prompt_tokens_details', 'cached_tokens', 'details', 'cost', 'total']
const MORE_NAMES = ['model', 'usagf', 'ü"\n', '', 'usage ', 'choices', '__proto__', '*', '[0]']

const space = fc.constantFrom('', '', '', ' ', '\n\t ', '\r\n')
/** Texts of one value, as different as JSON allows; `unique`: no object has a name twice. */
function texts(unique: boolean): fc.Arbitrary<string> {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 80 }),
    fc.constantFrom('"usage":{"a":1}', '\\', '{"', '}]'),
  )
  const escaped = (said: string) =>
    `"${Array.from({ length: said.length }, (_, at) => `\\u${said.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')}"`
  const quoted = (said: fc.Arbitrary<string>) =>
    fc.tuple(said, fc.nat(7)).map(([value, how]) => (how === 0 ? escaped(value) : JSON.stringify(value)))
  const number = fc.oneof(
    fc.nat().map(String),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
    fc.constantFrom('0', '-0', '10', '1e3', '1E-2', '-5', '999999999', '1234567890', '123456789012345678901', '0.50'),
  )
  // V8 takes an escaped name for one with a backslash that it saw in its place: once it has parsed {"a":1,"\\":2}, of
  // {"a":1,"\u002a":2} it makes the same.
  const other = text.filter((said) => !said.includes('\\'))
  const name = quoted(fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...NAMES, ...MORE_NAMES) }, other))
  return fc.letrec<{ value: string; list: string; object: string }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.oneof(number, quoted(text), fc.constantFrom('null', 'true', 'false')),
      tie('object'),
      tie('list'),
    ),
    list: fc
      .tuple(space, fc.array(tie('value'), { maxLength: 3 }))
      .map(([gap, values]) => `[${gap}${values.join(`${gap},${gap}`)}${gap}]`),
    object: fc.tuple(space, fc.array(fc.tuple(name, tie('value')), { maxLength: 6 })).map(([gap, members]) => {
      const said = unique
        ? members.filter(([one], at) => members.findIndex(([n]) => parsed(n) === parsed(one)) === at)
        : members
      return `{${gap}${said.map(([one, value]) => `${one}${gap}:${gap}${value}`).join(`${gap},${gap}`)}${gap}}`
    }),
  })).object
}
const parsed = (text: string): unknown => JSON.parse(text)

test('of any JSON text it reads what parsing it would give: escapes, names that come twice, any number, any space', () => {
  fc.assert(
    fc.property(texts(false), space, (text, behind) => {
      expect(read(text + behind)).toStrictEqual(project(parsed(text), SHAPE))
    }),
    { numRuns: 2000 },
  )
})

test('of a text that breaks off anywhere it reads whole members alone', () => {
  fc.assert(
    fc.property(texts(true), fc.nat(), (text, cut) => {
      const whole = project(parsed(text), SHAPE) as Readonly<Record<string, unknown>>
      const part = (read(text.slice(0, cut % text.length)) ?? {}) as Readonly<Record<string, unknown>>
      for (const [name, value] of Object.entries(part))
        if (value !== undefined) expect(value).toStrictEqual(whole[name])
    }),
    { numRuns: 1000 },
  )
})

test('what is nearly JSON is read without an error, and as JSON if it is some', () => {
  const token = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    '"',
    ':',
    ',',
    '\\',
    ' ',
    '1',
    '0',
    '-',
    'null',
    'nul',
    '\0',
    '1234567890',
    '"usage"',
    '"model":',
    '"details":[',
    '{"cost":',
    '"us\\u0061ge":',
  )
  fc.assert(
    fc.property(fc.array(token, { maxLength: 30 }), (tokens) => {
      const text = `{${tokens.join('')}`
      const said = read(text)
      let value: unknown
      try {
        value = parsed(text)
      } catch {
        return
      }
      expect(said).toStrictEqual(project(value, SHAPE))
    }),
    { numRuns: 3000 },
  )
})

test('a kvlist is read as the same in JSON is', () => {
  const attributes = new Map([['usage', new Map([['prompt_tokens', 5n as never]])]])
  expect(treeOf(reader.read(attributes), SHAPE, reader.at)).toMatchObject({ usage: { prompt_tokens: 5n } })
  expect(reader.read('[1]')[reader.at.self]).toBeUndefined()
  expect(reader.read(undefined)[reader.at.self]).toBeUndefined()
})

test('texts that follow each other leave nothing of the one before', () => {
  fc.assert(
    fc.property(fc.array(texts(false), { maxLength: 4 }), (all) => {
      for (const text of [...all, ...all.flatMap((one) => [one, one])])
        expect(read(text)).toStrictEqual(project(parsed(text), SHAPE))
    }),
    { numRuns: 100 },
  )
})

test('a member that is no JSON is left out with all that is in it, and those behind it are read', () => {
  expect(read('{"usage":{"prompt_tokens":1,"output":nonsense},"model":"m"}')).toMatchObject({
    usage: undefined,
    model: 'm',
  })
  expect(read('{"usage":{"prompt_tokens":012},"model":01,"usagf":2}')).toMatchObject({ usage: undefined, usagf: 2 })
  expect(read('{"usage":{"prompt_tokens":1}')).toMatchObject({ usage: undefined })
})

test('of a list the members that are asked for are read, object by object; of what is no list, nothing', () => {
  const lists = memberReader({ list: ['a', 'b'], more: ['a'] })
  const { at } = lists
  const rows = (text: string) => [lists.read(text)[at.list], lists.read(text)[at.more]]
  expect(rows('{"list":[{"b":1,"x":[{}]},5,{"a":"two"},[{}],{}]}')[0]).toStrictEqual([null, 1, 'two', null, null, null])
  expect(rows('{"list":{"a":1},"more":null}')).toStrictEqual([undefined, undefined])
  expect(rows('{"list":[{"a":1},{"a":2 3}],"list":[5],"more":[{"a":4}]}')).toStrictEqual([[], [4]])
  const kvlist = new Map([['list', [new Map([['a', 1]]), 5, new Map([['c', 2]])] as const]])
  expect(lists.read(kvlist)[at.list]).toStrictEqual([1, null, null, null])
})

test('members in another order than before, or under names that begin alike, are found as well', () => {
  const texts = [
    '{"usage":{},"model":1,"usagf":2}',
    '{"usagf":2,"usag":0,"model":1,"usage":{}}',
    '{"usage ":5,"model":1}',
  ]
  for (const text of [...texts, ...texts.toReversed()]) expect(read(text)).toStrictEqual(project(parsed(text), SHAPE))
})

test('what is below one name is found wherever parsing would find it, and nowhere else', () => {
  const usage = memberReader({ usage: { prompt_tokens_details: { cached_tokens: VALUE, output: VALUE } } })
  const { cached_tokens, output } = usage.at.usage.prompt_tokens_details
  type Deep = { usage?: { prompt_tokens_details?: { cached_tokens?: unknown; output?: unknown } | null } | null }
  const inner = fc.constantFrom('cached_tokens', 'output', 'c\\u0061ched_tokens', 'model', '*')
  const middle = fc.constantFrom('prompt_tokens_details', 'prompt_tokens_detail\\u0073', 'prompt_tokens', '[0]')
  const texts = fc.tuple(
    fc.constantFrom('usage', 'usagf', '\\u0075sage'),
    middle,
    inner,
    fc.constantFrom('5', '"a"', '{}'),
  )
  fc.assert(
    fc.property(fc.array(texts, { maxLength: 3 }), (members) => {
      const text = `{${members.map(([outer, name, last, value]) => `"${outer}":{"${name}":{"${last}":${value}}}`).join()}}`
      const details = (parsed(text) as Deep).usage?.prompt_tokens_details
      const said = usage.read(text)
      expect([said[cached_tokens], said[output]]).toStrictEqual([details?.cached_tokens, details?.output])
    }),
    { numRuns: 1000 },
  )
})

test('of other names the first object is read, and of a list the first element', () => {
  const others = memberReader({
    '*': { tokens: VALUE },
    known: { tokens: VALUE },
    list: { '[0]': { '[0]': { tokens: VALUE } } },
  })
  const { at } = others
  const said = others.read(
    '{"a":5,"known":{"tokens":1},"b":{"tokens":2},"c":{"tokens":3},"list":[[{"tokens":4},{}],[]]}',
  )
  expect([said[at['*'].tokens], said[at.known.tokens], said[at.list['[0]']['[0]'].tokens]]).toStrictEqual([2, 1, 4])
  expect(others.read('{"list":[]}')[at.list['[0]'].self]).toBeUndefined()
  expect(others.read('{"list":{"[0]":[]},"*":{"tokens":6}}')[at['*'].tokens]).toBe(6)
})

test('an answer of a megabyte does not hide its usage; what is longer is not read', () => {
  for (const content of ['y'.repeat(500_000), '\\\\'.repeat(250_000), '\\"'.repeat(250_000), '日本'.repeat(200_000)]) {
    const text = `{"content":"${content}","usage":{"prompt_tokens":5}}`
    expect(reader.read(text)[reader.at.usage.prompt_tokens]).toBe(5)
  }
  for (const nested of ['['.repeat(500_000), '{"usage":'.repeat(100_000), '{"usage":{"details":['.repeat(40_000)])
    expect(read(`{"model":"m","choices":${nested}`)).toMatchObject({ model: 'm' })
  expect(read(`{"model":"m","content":"${'x'.repeat(2 ** 20)}"}`)).toBeUndefined()
})
