import type { Span } from '../spans/span.ts'
import type { Dialect } from './dialect.ts'
import { DIALECTS } from './dialects/index.ts'
import { FIELD, FIELDS, type Reading } from './fields.ts'

/** Where a key's value goes, and whether it tells who spoke. Of keys for one field the lowest rank wins. */
interface Slot {
  readonly field: number
  readonly rank: number
  /** Index into {@link DIALECTS}; DIALECTS.length where the key tells nothing. */
  readonly speaker: number
}

const NO_FIELD = -1
const SLOTS = compileSlots()

/** OpenTelemetry's keys rank before every other dialect's. */
function compileSlots(): ReadonlyMap<string, Slot> {
  const slots = new Map<string, Slot>()
  const ranked = [DIALECTS.at(-1)!, ...DIALECTS.slice(0, -1)]
  for (const field of FIELDS) {
    let rank = 0
    for (const dialect of ranked)
      for (const key of dialect.keys[field] ?? [])
        if (!slots.has(key)) slots.set(key, { field: FIELD[field], rank: rank++, speaker: DIALECTS.length })
  }
  for (const [speaker, { markers = [] }] of DIALECTS.entries())
    for (const key of markers) slots.set(key, { ...(slots.get(key) ?? { field: NO_FIELD, rank: 0 }), speaker })
  return slots
}

/** What a span said and in which dialect. `dialect` is undefined for a span that is no GenAI span. */
export interface SpanReading {
  dialect: Dialect | undefined
  readonly values: Reading
}

/** Sorts a span's attributes into `into` (whose fields are overwritten) in one pass over them. */
export function readSpan(span: Span, into: SpanReading): void {
  const { values } = into
  for (let field = 0; field < values.length; field++) values[field] = undefined
  let speaker = DIALECTS.length
  for (const [key, value] of span.attributes) {
    const slot = SLOTS.get(key)
    if (slot === undefined) continue
    if (slot.speaker < speaker) speaker = slot.speaker
    const { field, rank } = slot
    if (field === NO_FIELD || value === null || value === '') continue
    if (values[field] === undefined || rank < RANKS[field]!) {
      values[field] = value
      RANKS[field] = rank
    }
  }
  const spoken = DIALECTS[speaker]
  const byScope = scopeDialect(span.scope.name)
  into.dialect = byScope === undefined || (byScope.mixed === true && spoken === undefined) ? spoken : byScope
  into.dialect?.complete?.(values, span)
}

/** Ranks of the values of the reading at hand: reading is synchronous, so one array serves all. */
const RANKS = new Uint8Array(FIELDS.length)

/** A reading to be filled by {@link readSpan}. */
export function newReading(): SpanReading {
  return { dialect: undefined, values: new Array(FIELDS.length).fill(undefined) }
}

const EXACT_SCOPES = new Map<string, Dialect>()
const SCOPE_PREFIXES: (readonly [string, Dialect])[] = []
for (const dialect of DIALECTS)
  for (const scope of dialect.scopes ?? [])
    if (scope.endsWith('*')) SCOPE_PREFIXES.push([scope.slice(0, -1), dialect])
    else EXACT_SCOPES.set(scope, dialect)

let lastScope = ''
let lastDialect: Dialect | undefined

/** Spans of one scope come together, so the last answer is the likeliest. */
function scopeDialect(scope: string): Dialect | undefined {
  if (scope === lastScope) return lastDialect
  lastScope = scope
  lastDialect = EXACT_SCOPES.get(scope) ?? SCOPE_PREFIXES.find(([prefix]) => scope.startsWith(prefix))?.[1]
  return lastDialect
}
