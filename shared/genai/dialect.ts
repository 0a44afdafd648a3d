import type { AttributeValue } from '../spans/attributes.ts'
import type { Span } from '../spans/span.ts'
import type { Field, Reading } from './fields.ts'
import type { Sides } from './messages/events.ts'

/**
 * Whether the emitter's input count includes what was read from and written to the cache: it does, it does not, or
 * there is no telling (then evidence decides, `inclusion.ts`).
 */
export type Inclusion = 'inclusive' | 'exclusive' | 'unknown'

/** One emitter's convention: data, and small functions where data does not do. */
export interface Dialect {
  /** Kept as `gen_ai_dialect`. */
  readonly name: string
  /** Instrumentation scopes that speak it; `*` at the end stands for any rest. */
  readonly scopes?: readonly string[]
  /** Its scopes have spans of all kinds: there it speaks only where some dialect's marker is. */
  readonly mixed?: boolean
  /** Attribute keys that nobody else sets. */
  readonly markers?: readonly string[]
  /** Its attribute keys by field, the preferred one first. */
  readonly keys: { readonly [F in Field]?: readonly string[] }
  readonly cache: Inclusion | ((reading: Reading, span: Span, provider: string) => Inclusion)
  /** Completes what the keys alone do not say, in place: JSON in attributes, kinds told by span names. */
  readonly complete?: (reading: Reading, span: Span) => void
  readonly conversation?: ConversationKeys
}

/** Where an emitter puts what was said: attribute keys, the preferred one first. */
export interface ConversationKeys {
  readonly ids?: readonly string[]
  /** The conversation's id where it is within another attribute. */
  readonly id?: (span: Span) => AttributeValue | undefined
  readonly finishReasons?: readonly string[]
  /** Instructions apart from the messages. */
  readonly system?: readonly string[]
  /** Messages as JSON text, as structured values or as plain text; `a.` for a list spelt out in `a.0.role` and so on. */
  readonly input?: readonly string[]
  readonly output?: readonly string[]
  /** Of a span that runs a tool. */
  readonly tool?: {
    readonly ids?: readonly string[]
    readonly arguments: readonly string[]
    readonly result: readonly string[]
  }
  /** Reads what the keys alone do not say; asked last. */
  readonly read?: (span: Span) => Partial<Sides>
}

/** Dotted versions compared number by number: negative, zero or positive. A missing part counts as 0. */
export function compareVersions(a: string, b: string): number {
  const left = a.split('.')
  const right = b.split('.')
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (Number.parseInt(left[i] ?? '0', 10) || 0) - (Number.parseInt(right[i] ?? '0', 10) || 0)
    if (difference !== 0) return difference
  }
  return 0
}
