/** Marks a whole number of any size in JSON: `{"$int": "5"}`. */
const MARK = '$int'
/** A name that could be taken for the mark is kept with one `$` more. */
const LIKE_MARK = /^\$+int$/

/** `value` as JSON text that keeps each `bigint`, whatever names people have chosen in it. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, own) => {
    if (typeof own === 'bigint') return { [MARK]: own.toString() }
    return renamed(own, (name) => (LIKE_MARK.test(name) ? `$${name}` : name))
  })
}

/** The inverse of {@link toJson}. */
export function fromJson<T>(text: string): T {
  return JSON.parse(text, (_key, own) => {
    if (typeof own?.[MARK] === 'string') return BigInt(own[MARK])
    return renamed(own, (name) => (name !== MARK && LIKE_MARK.test(name) ? name.slice(1) : name))
  })
}

/** `own` itself where no name changes. */
function renamed(own: unknown, to: (name: string) => string): unknown {
  if (own === null || typeof own !== 'object' || Array.isArray(own)) return own
  if (!Object.keys(own).some((name) => to(name) !== name)) return own
  return Object.fromEntries(Object.entries(own).map(([name, value]) => [to(name), value]))
}
