import type { GenAiCall } from '../genai/call.ts'
import type { UsageRule } from '../genai/resolve.ts'
import { emptyUsage, sameUsage, type Usage } from '../genai/usage.ts'
import type { SpanKind } from '../spans/span.ts'
import type { Link } from './lineage.ts'
import type { FirstSaid } from './receipt.ts'
import { usageOf } from './slice.ts'
import type { KeptUsage, TraceEntry } from './trace-state.ts'

/** A usage, as far as it differs from the one before it. */
type Row = readonly [
  /** Which of its {@link Texts} follow, by bit. */
  mask: number,
  texts: readonly string[],
  /** Nanoseconds from the start of the usage before. */
  start: string,
  duration: string,
  flags: number,
  usage: ShortUsage,
  /** The other reading of an ambiguous usage. */
  other: ShortUsage | 0,
  /** 0 where it bills all that it reports. */
  billed: ShortUsage | 0,
  reportedCostUsd: number | null,
  /** Of few: what it was said to cost. */
  said?: readonly [FirstSaid['status'], FirstSaid['total'], FirstSaid['version']],
]

/** Leaves and their quantities in turn: most leaves are 0. */
type ShortUsage = readonly number[]

const COMPOSITE = 1
const SUMMARY = 2

/**
 * An entry as text for a store. Every message that reports a usage leaves one for each of its traces, so that its length
 * and the time it takes to write are most of what remembering costs.
 */
export function traceEntryToJson({ digest, links, usages, corrections }: TraceEntry): string {
  let before: KeptUsage | undefined
  let known = NO_TEXTS
  const rows = usages.map((usage) => {
    const texts = textsOf(usage)
    const row = toRow(usage, texts, before, known)
    before = usage
    known = texts
    return row
  })
  return JSON.stringify([digest, linksToText(links), rows, corrections])
}

/** The inverse of {@link traceEntryToJson}. */
export function traceEntryFromJson(json: string): TraceEntry {
  const [digest, tree, rows, corrections]: [string, string, Row[], TraceEntry['corrections']] = JSON.parse(json)
  const usages: KeptUsage[] = []
  for (const row of rows) usages.push(fromRow(row, usages.at(-1)))
  return { digest, links: linksFromText(tree), usages, corrections }
}

/** Span ids, each with `,` and its parent, or with `.` where that is the parent of the one before; `?` and `!` for tools. */
function linksToText(links: TraceEntry['links']): string {
  let text = ''
  let above = ''
  for (const [spanId, { parent, tool }] of links) {
    text += parent === above ? spanId + (tool ? '!' : '.') : `${spanId}${tool ? '?' : ','}${parent};`
    above = parent
  }
  return text
}

function linksFromText(text: string): Map<string, Link> {
  const links = new Map<string, Link>()
  let parent = ''
  for (const [, spanId, mark, said] of text.matchAll(/(\w+)(?:([.!])|([,?]\w*);)/g)) {
    if (said !== undefined) parent = said.slice(1)
    links.set(spanId!, { parent, tool: mark === '!' || said?.startsWith('?') === true })
  }
  return links
}

type Texts = readonly [
  ...[spanId: string, name: string, kind: SpanKind, service: string, rule: UsageRule, dialect: string],
  ...[operation: string, provider: string, requestModel: string, responseModel: string, responseId: string],
  ...[serviceTier: string, agentName: string, toolName: string, userId: string, sessionId: string, environment: string],
  reservation: string,
]
/** Before the first: most calls are paid for by no reservation. */
const NO_TEXTS: readonly (string | undefined)[] = [...Array<undefined>(17), '']

function textsOf({ spanId, call, name, kind, service, reservation = '' }: KeptUsage): Texts {
  const { resolution, dialect, operation, provider, requestModel, responseModel, responseId } = call
  const { serviceTier, agentName, toolName, userId, sessionId, environment } = call
  const rule = 'rule' in resolution ? resolution.rule : 'no_cache'
  // biome-ignore format: one line a group
  return [
    spanId, name, kind, service, rule, dialect,
    operation, provider, requestModel, responseModel, responseId,
    serviceTier, agentName, toolName, userId, sessionId, environment, reservation,
  ]
}

function toRow(usage: KeptUsage, texts: Texts, before: KeptUsage | undefined, known: typeof NO_TEXTS): Row {
  const { call, billed, startTimeUnixNano, endTimeUnixNano } = usage
  const { composite, summary, resolution, reportedCostUsd } = call
  const said: string[] = []
  let mask = 0
  for (let column = 0; column < texts.length; column++) {
    if (texts[column] === known[column]) continue
    mask |= 1 << column
    said.push(texts[column]!)
  }
  const reported = usageOf(call)
  const row = [
    mask,
    said,
    (startTimeUnixNano - (before?.startTimeUnixNano ?? 0n)).toString(),
    (endTimeUnixNano - startTimeUnixNano).toString(),
    (composite ? COMPOSITE : 0) + (summary ? SUMMARY : 0),
    shorten(reported),
    resolution.kind === 'ambiguous' ? shorten(resolution.other) : 0,
    sameUsage(billed, reported) ? 0 : shorten(billed),
    reportedCostUsd ?? null,
  ] as const
  if (usage.said === undefined) return row
  const { status, total, version } = usage.said
  return [...row, [status, total, version]]
}

function fromRow(row: Row, before: KeptUsage | undefined): KeptUsage {
  const [mask, said, start, duration, flags, short, other, billed, reportedCostUsd, first] = row
  const usage = lengthen(short)
  const known = before === undefined ? NO_TEXTS : textsOf(before)
  let next = 0
  const texts = Array.from({ length: COLUMNS }, (_, column) => (mask & (1 << column) ? said[next++] : known[column]))
  const [spanId, name, kind, service, rule, dialect, operation, provider, requestModel, ...rest] =
    texts as unknown as Texts
  const [responseModel, responseId, serviceTier, agentName, toolName, userId, sessionId, environment, reservation] =
    rest
  const call: GenAiCall = {
    dialect,
    operation,
    composite: (flags & COMPOSITE) !== 0,
    summary: (flags & SUMMARY) !== 0,
    provider,
    requestModel,
    responseModel,
    responseId,
    serviceTier,
    agentName,
    toolName,
    reportedCostUsd: reportedCostUsd ?? undefined,
    resolution:
      other === 0 ? { kind: 'known', rule, usage } : { kind: 'ambiguous', rule, usage, other: lengthen(other) },
    userId,
    sessionId,
    environment,
  }
  const startTimeUnixNano = (before?.startTimeUnixNano ?? 0n) + BigInt(start)
  const endTimeUnixNano = startTimeUnixNano + BigInt(duration)
  return {
    spanId,
    call,
    name,
    kind,
    service,
    startTimeUnixNano,
    endTimeUnixNano,
    ...(reservation !== '' && { reservation }),
    billed: billed === 0 ? usage : lengthen(billed),
    ...(first !== undefined && { said: { status: first[0], total: first[1], version: first[2] } }),
  }
}

function shorten(usage: Usage): ShortUsage {
  const short: number[] = []
  for (let leaf = 0; leaf < usage.length; leaf++) if (usage[leaf] !== 0) short.push(leaf, usage[leaf]!)
  return short
}

function lengthen(short: ShortUsage): Usage {
  const usage = emptyUsage()
  for (let at = 0; at < short.length; at += 2) usage[short[at]!] = short[at + 1]!
  return usage
}

const COLUMNS = NO_TEXTS.length
