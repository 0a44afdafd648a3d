import type { Ledger } from '../spans/ledger.ts'
import type { Rule } from './charge.ts'

/** The fields of which a project may have a budget for each value. */
const FIELDS = [
  { field: 'user', read: ({ userId }: Ledger) => userId },
  { field: 'session', read: ({ sessionId }: Ledger) => sessionId },
] as const

/**
 * Finds the rules that a span's user and session do not rule out, in time that does not grow with the rules for others:
 * to ask each of thousands would take longer than all else that a span costs. What a correction does not say rules
 * nothing out.
 */
export function createIndex(rules: readonly Rule[]): (ledger: Ledger) => readonly Rule[] {
  const indexes = FIELDS.map(({ field, read }) => {
    const own = rules.filter(({ budget: { selector } }) => indexedBy(selector) === field)
    const values = own.flatMap((rule) => [...new Set(rule.budget.selector[field])].map((value) => ({ value, rule })))
    const byValue = Map.groupBy(values, ({ value }) => value)
    return { read, own, find: (value: string) => (byValue.get(value) ?? []).map(({ rule }) => rule) }
  }).filter(({ own }) => own.length > 0)
  if (indexes.length === 0) return () => rules
  const others = rules.filter(({ budget: { selector } }) => indexedBy(selector) === undefined)
  return (ledger) => {
    const found = indexes.flatMap(({ read, own, find }) => {
      const value = read(ledger)
      return value === '' && ledger.revision > 0 ? own : find(value)
    })
    return found.length === 0 ? others : [...others, ...found]
  }
}

/** A rule is found by one field; that the others hold is asked of it. */
function indexedBy(selector: Rule['budget']['selector']) {
  return FIELDS.find(({ field }) => selector[field] !== undefined)?.field
}
