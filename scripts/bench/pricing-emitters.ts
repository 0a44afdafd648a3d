import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { decodeTracesJson } from '../../shared/otlp/decode-json.ts'
import type { AttributeValue } from '../../shared/spans/attributes.ts'
import type { Span } from '../../shared/spans/span.ts'

const FIXTURES = join(import.meta.dirname, '../../test/fixtures/emitters')

/** A message of at least `count` spans from each recorded emitter whose name begins with `name`, by its name. */
export function emitterMessages(count: number, name = ''): Readonly<Record<string, readonly Span[]>> {
  const paths = globSync(join(FIXTURES, '{,conventions/}*-*.json')).filter((path) => basename(path).startsWith(name))
  return Object.fromEntries(paths.map((path) => [basename(path, '.json'), recorded(path, count)]))
}

/** What an emitter sent, over and over in traces of their own, no two of which have the same JSON. */
function recorded(path: string, count: number): Span[] {
  const { spans } = decodeTracesJson(readFileSync(path))
  return Array.from({ length: Math.ceil(count / spans.length) }, (_, copy) =>
    spans.map((span) => ({
      ...span,
      traceId: `${copy}-${span.traceId}`,
      attributes: new Map(Array.from(span.attributes, ([key, value]) => [key, padded(value, copy)])),
    })),
  ).flat()
}

/** JSON with blanks behind, as a flat string like those that are decoded. */
function padded(value: AttributeValue, copy: number): AttributeValue {
  return isJson(value) ? Buffer.from(value.padEnd(value.length + (copy % 61))).toString() : value
}

function isJson(value: AttributeValue): value is string {
  return typeof value === 'string' && (value[0] === '{' || value[0] === '[')
}

/** How many attributes a span has, and how many characters of JSON are in them; means. */
export function sizeOfSpans(spans: readonly Span[]): { readonly attributes: number; readonly jsonCharacters: number } {
  const values = spans.flatMap(({ attributes }) => Array.from(attributes.values()))
  const json = values.filter(isJson).reduce((sum, { length }) => sum + length, 0)
  return {
    attributes: Math.round(values.length / spans.length),
    jsonCharacters: Math.round(json / spans.length),
  }
}
