import type { Usage } from '../../shared/genai/usage.ts'
import { type Bills, billAlone, type Pricer } from '../../shared/pricing/pricer.ts'
import { type SettleMessage, type Settlement, settle } from '../../shared/pricing/settle.ts'
import { explainsItself, isInert, type SpanReadings, type TraceSlice } from '../../shared/pricing/slice.ts'
import type {
  KnownTrace,
  TraceAppend,
  TraceEntry,
  TraceKey,
  TraceStateStore,
} from '../../shared/pricing/trace-state.ts'

/** A message that has been read, and who it is from. */
export interface ReadMessage {
  readonly project: string
  readonly digest: string
  readonly reading: SpanReadings
}

/** What the usages of a message bill, and what they change about earlier spans. */
export interface SettledMessage {
  readonly bills: Bills
  readonly corrections: readonly (Settlement['corrections'][number] & { readonly traceId: string })[]
}

/**
 * Which traces are remembered from message to message: `all` that report usage, or only those that come in `parts`, of which no
 * message explains all that it has.
 */
export type Remembered = 'all' | 'parts'

export interface SettleOptions {
  readonly state: TraceStateStore
  readonly remember: Remembered
  /** Microseconds since 1970. */
  readonly now: number
  readonly pricer: Pick<Pricer, 'ownPrice'>
  /** When the pricer is prepared for the projects of the messages. */
  readonly prepared: Promise<void>
}

/** Most traces of one transaction: a message of millions of tiny traces would be too much for one. */
const MAX_TRACES = 1000

interface OpenTrace extends SettleMessage {
  readonly key: TraceKey
  readonly message: number
  readonly slice: TraceSlice
}

/**
 * Settles the messages of a pull against what earlier ones said of their traces, in one transaction. Nothing but the store
 * is relied on: any instance may have had the earlier ones.
 */
export async function settleMessages(
  messages: readonly ReadMessage[],
  { state, remember, now, pricer, prepared }: SettleOptions,
): Promise<SettledMessage[]> {
  const settled = messages.map(({ reading }) => ({
    bills: new Map(billAlone(reading)),
    corrections: [] as SettledMessage['corrections'][number][],
  }))
  const open = messages.flatMap(({ project, digest, reading }, message): OpenTrace[] =>
    Array.from(reading.slices.values())
      .filter((slice) => isRemembered(slice, settled[message]!.bills.get(slice.traceId)!))
      .map((slice) => {
        const { traceId } = slice
        const alone = settled[message]!.bills.get(traceId)!
        const say: SettleMessage['say'] = ({ call, span }, billed) =>
          pricer.ownPrice(call, billed, span.startTimeUnixNano, { project })
        return { key: { project, traceId }, message, slice, digest, alone, now, say }
      }),
  )
  for (let from = 0; from < open.length; from += MAX_TRACES) {
    const some = open.slice(from, from + MAX_TRACES)
    const keys = some.map(({ key }) => key)
    const settlements = await state.transact(keys, (known) => settleOpen(some, known), prepared)
    for (const [index, { billed, corrections }] of settlements.entries()) {
      const { message, key } = some[index]!
      const { traceId } = key
      settled[message]!.bills.set(traceId, billed)
      for (const correction of corrections) settled[message]!.corrections.push({ ...correction, traceId })
    }
  }
  return settled

  /** Whether what a message says of a trace may matter to another. */
  function isRemembered(slice: TraceSlice, alone: ReadonlyMap<string, Usage>): boolean {
    return !(remember === 'all' ? isInert(slice) : explainsItself(slice, alone))
  }
}

function settleOpen(open: readonly OpenTrace[], known: KnownTrace): { append: TraceAppend[]; result: Settlement[] } {
  const append: TraceAppend[] = []
  const traces = new Map<string, readonly TraceEntry[]>()
  const result = open.map((trace) => {
    const { key, slice } = trace
    const name = key.traceId + key.project
    const entries = traces.get(name) ?? known(key)
    const settlement = settle(entries, slice, trace)
    const { entry } = settlement
    if (entry !== undefined) append.push({ ...key, entry })
    traces.set(name, entry === undefined ? entries : [...entries, entry])
    return settlement
  })
  return { append, result }
}
