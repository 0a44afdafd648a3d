/**
 * People sum tokens with `cast(SpanAttributes['gen_ai.usage.input_tokens'] as int)`, which fails the whole query on one value that is
 * no 32-bit integer. So such a value stands under its key with this suffix; a reader of all attributes takes it off again.
 */
const AS_SENT = '.as_sent'
const INPUT = 'gen_ai.usage.input_tokens'
const OUTPUT = 'gen_ai.usage.output_tokens'

/** The key under which the lake keeps the attribute `key` whose text is `text`. */
export function lakeKey(key: string, text: string): string {
  if (!key.startsWith('gen_ai.usage.') || !isTokenKey(key)) return key
  return (key === INPUT || key === OUTPUT) && isPlainInteger(text) ? key : key + AS_SENT
}

/** The inverse of {@link lakeKey}: the key that was sent. */
export function sentKey(key: string): string {
  return key.endsWith(AS_SENT) && isTokenKey(key) ? key.slice(0, -AS_SENT.length) : key
}

/** Whether `key` is one of the two, with the suffix any number of times: clients may send that as well. */
function isTokenKey(key: string): boolean {
  const base = key.startsWith(INPUT) ? INPUT : key.startsWith(OUTPUT) ? OUTPUT : undefined
  return base !== undefined && key.slice(base.length).replaceAll(AS_SENT, '') === ''
}

function isPlainInteger(text: string): boolean {
  return /^-?\d{1,10}$/.test(text) && Math.abs(Number(text)) <= 2 ** 31 - 1
}
