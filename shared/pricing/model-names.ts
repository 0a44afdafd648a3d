const COMPACT_DATE = /-(20\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)/
const PATH = /^(?:models|tunedmodels|publishers\/[^/]+\/models|projects\/.+\/models|arn:aws[^/]*\/)\/?/

/** Names that the catalogue has in another form only, or takes for those of another model. */
const OTHER_FORMS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    'claude-2.0': 'claude-2',
    'claude-2.1': 'claude-2',
    'gemini-1.5-flash-8b': 'gemini-flash-1.5-8b',
    'gemini-1.5-flash-8b-001': 'gemini-flash-1.5-8b',
    'gemini-1.5-flash-8b-latest': 'gemini-flash-1.5-8b',
    'gemini-live-2.5-flash-native-audio': 'gemini-live-2.5-flash',
    'gemini-live-2.5-flash-preview-native-audio': 'gemini-live-2.5-flash-preview',
    'gemini-live-2.5-flash-preview-native-audio-09-2025': 'gemini-live-2.5-flash-preview-09-2025',
  }),
)

/**
 * The names under which a model may be listed, the given one first: without resource path (`models/…`, Vertex
 * publishers, Bedrock ARNs), with Vertex's `@` as `-`, without Claude Code's `[1m]`, with the date written out.
 */
export function modelNames(model: string): string[] {
  const name = model.trim().toLowerCase()
  const names = new Set([name])
  const path = PATH.exec(name)
  const bare = path === null ? name : name.slice(path[0].length)
  names.add(bare)
  names.add(bare.replace('@', '-'))
  if (bare.endsWith(LONG_CONTEXT)) names.add(bare.slice(0, -LONG_CONTEXT.length))
  for (const known of [...names]) names.add(known.replace(COMPACT_DATE, '-$1-$2-$3'))
  const other = OTHER_FORMS.get(bare)
  return other === undefined ? [...names] : [...names, other]
}

/** Words that a name may have behind its model's without being that of another, dearer or cheaper one. */
const SAME_MODEL: ReadonlySet<string> = new Set([
  'latest',
  'preview',
  'exp',
  'experimental',
  'beta',
  'stable',
  'nightly',
  'default',
  'instruct',
  'thinking',
  'customtools',
  'nitro',
  'floor',
  'exacto',
])
/** Days, months, years and builds, `v1`, and Bedrock's `:0` and `:200k`. */
const RELEASE = /^(?:[-@](?:\d{2,4}|\d{6}|\d{8}|v\d+|v0\.\d)|:\d+k?)$/
/** What a pattern that ends within a date or a build leaves of it. */
const REST_OF_NUMBER = /^\d{2,8}(?=[-@:]|$)/
/** Claude Code's name for a model whose long context is in use. */
const LONG_CONTEXT = '[1m]'
/** A region and a maker before the name, as Bedrock writes them. */
const PLACE = /^(?:[a-z]{2,6}(?:-gov)?\.)?(?:[a-z\d]{2,12}\.)?$/
/** Patterns for tuned models, whose names end in any way. */
const TUNED = /^ft:|\.ft-$/
const VERSION = /-v(\d+)(?=:|$)/

/**
 * Whether `name` is a name of the model `id`, given which part of it a pattern of the catalogue fits. Patterns are made for
 * the names of their day: `o4-mini` is also in `o4-mini-deep-research`, `titan-embed-text` in the name of its second version.
 */
export function isNameOf(id: string, name: string, start: number, end: number): boolean {
  if (TUNED.test(name.slice(start, end))) return true
  const listed = id.toLowerCase()
  const version = VERSION.exec(name)
  const listedVersion = VERSION.exec(listed)
  if (version !== null && listedVersion !== null && version[1] !== listedVersion[1]) return false
  const whole = name.indexOf(listed)
  return whole >= 0 ? saysNoMore(name, whole, whole + listed.length) : saysNoMore(name, start, end)
}

/** Whether one of two names is the other with more around it, which makes it the name of another model. */
export function isVariant(name: string, other: string): boolean {
  const [one, two] = [withoutPath(name), withoutPath(other)]
  const [long, short] = one.length < two.length ? [two, one] : [one, two]
  const start = long.indexOf(short)
  return start >= 0 && !saysNoMore(long, start, start + short.length)
}

function withoutPath(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1).toLowerCase()
}

/** Whether what is around a part of a name leaves it that of the same model: a place before; a date or `-preview` behind. */
function saysNoMore(name: string, start: number, end: number): boolean {
  if (!PLACE.test(name.slice(name.lastIndexOf('/', start) + 1, start))) return false
  const behind = name.slice('-@:'.includes(name.charAt(end - 1)) ? end - 1 : end)
  const long = behind.endsWith(LONG_CONTEXT) ? behind.slice(0, -LONG_CONTEXT.length) : behind
  const rest = long.replace(REST_OF_NUMBER, '')
  const pieces = rest.match(/[-@:][^-@:]*/g) ?? []
  return pieces.join('') === rest && pieces.every((piece) => RELEASE.test(piece) || SAME_MODEL.has(piece.slice(1)))
}
