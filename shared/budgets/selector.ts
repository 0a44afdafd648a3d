import { attributeText } from '../spans/attribute-text.ts'
import type { Attributes } from '../spans/attributes.ts'
import type { PricedSpan } from '../spans/ledger.ts'
import { serviceName } from '../spans/span.ts'
import type { SpanFilter } from '../warehouse/trace-store.ts'

/** By what a budget can choose spans, besides any attribute. */
export const SUBJECT_FIELDS = ['key', 'user', 'team', 'session', 'model', 'provider', 'environment', 'service'] as const
export type SubjectField = (typeof SUBJECT_FIELDS)[number]

/**
 * Which spans a budget is for: all conditions hold; of several values any one does. Empty: every span of the project.
 * `attributes` compares the text of span attributes, then of resource attributes.
 */
export type Selector = { readonly [F in SubjectField]?: readonly string[] } & {
  readonly attributes?: Readonly<Record<string, readonly string[]>>
}

/** Who a call is for, as far as it is known: what a reservation names, or what a span shows. */
export type Subject = { readonly [F in SubjectField]?: string } & {
  readonly attributes?: Readonly<Record<string, string>>
}

/** Fields that a store compares as {@link compileSelector} does. */
const STORED_FIELDS = [
  'key',
  'user',
  'session',
  'provider',
  'environment',
  'service',
] as const satisfies readonly (SubjectField & keyof SpanFilter)[]
/** Longer lists are not for a store to compare. */
const MAX_STORED_VALUES = 100

/** A condition that every stored span meets which `selector` is for, and as few others as stores can tell. */
export function storedCondition(selector: Selector): Omit<SpanFilter, 'project'> {
  const known = STORED_FIELDS.flatMap((field) => {
    const values = selector[field]
    return values !== undefined && values.length <= MAX_STORED_VALUES ? [[field, values] as const] : []
  })
  return Object.fromEntries(known)
}

/** `selector` with its conditions and their values in order, each once: the same for all that select the same. */
export function inOrder({ attributes = {}, ...fields }: Selector): unknown {
  const sorted = (of: Readonly<Record<string, readonly string[] | undefined>>) =>
    Object.entries(of)
      .map(([name, values = []]) => [name, [...new Set(values)].sort()] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1))
  return [sorted(fields), sorted(attributes)]
}

/** Span attributes (then resource attributes) that name the team, first come first. */
const TEAM_ATTRIBUTES = ['team.id', 'team', 'user.team']

const SPAN_FIELDS: {
  readonly [F in SubjectField]: (priced: PricedSpan, values: ReadonlySet<string>, keyId: string) => boolean
} = {
  // Not what a span says: whoever sends it could say anything.
  key: (_priced, values, keyId) => values.has(keyId),
  user: ({ ledger }, values) => values.has(ledger.userId),
  team: (priced, values) => values.has(firstAttribute(priced, TEAM_ATTRIBUTES)),
  session: ({ ledger }, values) => values.has(ledger.sessionId),
  // A caller asks before the call for the model it will request; what answers is often a dated version of it.
  model: ({ ledger }, values) => values.has(ledger.model) || values.has(ledger.requestModel),
  provider: ({ ledger }, values) => values.has(ledger.provider),
  environment: ({ ledger }, values) => values.has(ledger.environment),
  service: ({ span }, values) => values.has(serviceName(span)),
}

/**
 * Tells which spans (with the id of the API key that sent them, '' where that is not known) and which subjects `selector` is for. One
 * rule decides both, so that they cannot differ.
 */
export function compileSelector(selector: Selector): {
  readonly matchesSpan: (priced: PricedSpan, keyId: string) => boolean
  readonly matchesSubject: (subject: Subject) => boolean
} {
  const fields = SUBJECT_FIELDS.flatMap((field) => {
    const values = selector[field]
    return values === undefined ? [] : [{ field, values: new Set(values), ofSpan: SPAN_FIELDS[field] }]
  })
  const attributes = Object.entries(selector.attributes ?? {}).map(([key, values]) => ({
    key,
    values: new Set(values),
  }))
  return {
    matchesSpan: (priced, keyId) =>
      fields.every(({ values, ofSpan }) => ofSpan(priced, values, keyId)) &&
      attributes.every(({ key, values }) => values.has(spanAttribute(priced, key))),
    matchesSubject: (subject) =>
      fields.every(({ field, values }) => values.has(subject[field] ?? '')) &&
      attributes.every(({ key, values }) => values.has(subject.attributes?.[key] ?? '')),
  }
}

function spanAttribute({ span }: PricedSpan, key: string): string {
  return textOf(span.attributes, key) || textOf(span.resource.attributes, key)
}

function firstAttribute(priced: PricedSpan, keys: readonly string[]): string {
  for (const key of keys) {
    const text = spanAttribute(priced, key)
    if (text !== '') return text
  }
  return ''
}

function textOf(attributes: Attributes, key: string): string {
  const value = attributes.get(key)
  return value === undefined ? '' : attributeText(value)
}
