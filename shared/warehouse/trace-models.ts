/** Models that are told of a trace: who sends it names as many as it likes, and a list has many traces. */
export const MAX_TRACE_MODELS = 100

/** Of distinct models those that are told, in order of name: of too many the first by code point, as stores order them. */
export function firstModels(models: Iterable<string>): string[] {
  const all = [...models]
  if (all.length <= MAX_TRACE_MODELS) return all.sort()
  const inOrder = all.map((model) => Buffer.from(model)).sort(Buffer.compare)
  return inOrder.slice(0, MAX_TRACE_MODELS).map(String).sort()
}
