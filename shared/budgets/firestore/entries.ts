import { randomUUID } from 'node:crypto'
import { SpanledgerError } from '../../errors.ts'
import { type Budget, unitOf } from '../budget.ts'
import type { Entry, EntryLine, LedgerPage } from '../ledger.ts'
import { budgetRef, decodeState } from './documents.ts'
import type { Shelf } from './project.ts'
import type { Workspace } from './workspace.ts'

/** Adds a line to a budget's history. */
export function addEntry(
  workspace: Workspace,
  { collections, now }: Shelf,
  { project, id: budgetId, generation }: Pick<Budget, 'project' | 'id' | 'generation'>,
  { kind, actor, note, bucket, amount = 0n, spans = 0 }: EntryLine,
): void {
  const at = now()
  const id = `${at.toString().padStart(15, '0')}-${String(sequence++).padStart(9, '0')}-${randomUUID().slice(0, 8)}`
  workspace.put(budgetRef(collections, project, budgetId).collection('entries').doc(id), {
    ...{ n: id, at, kind, actor, note, generation },
    ...{ bucket: bucket ?? null, amount: amount.toString(), spans },
  })
}

/** Orders the lines that one process writes in one millisecond. */
let sequence = 0

/** The history, latest first; before it, what spans have brought: one entry a bucket, kept in the budget's own document. */
export async function readEntries(
  shelf: Shelf,
  project: string,
  id: string,
  { after, pageSize }: { readonly after?: string; readonly pageSize: number },
): Promise<LedgerPage<Entry>> {
  const ref = budgetRef(shelf.collections, project, id)
  const fields = (await ref.get()).data()
  if (fields === undefined) throw new SpanledgerError('budget/not-found', `there is no budget "${id}"`)
  const { budget } = decodeState(fields)
  const isDebit = after?.startsWith(DEBIT) ?? true
  const all = isDebit ? debitsOf(fields) : []
  const debits = all.slice(after === undefined ? 0 : all.findIndex((entry) => entry.id === after) + 1)
  if (debits.length >= pageSize) {
    const page = debits.slice(0, pageSize)
    return { items: page, next: page.at(-1)?.id ?? null }
  }
  let query = ref
    .collection('entries')
    .orderBy('n', 'desc')
    .limit(pageSize - debits.length + 1)
  if (!isDebit) query = query.startAfter(after)
  const { docs } = await query.get()
  const items = docs.slice(0, pageSize - debits.length).map((document): Entry => {
    const line = document.data()
    return {
      id: document.id,
      at: Number(line.at),
      kind: line.kind,
      actor: line.actor,
      generation: Number(line.generation),
      unit: unitOf(budget, Number(line.generation)),
      bucket: line.bucket === null ? null : Number(line.bucket),
      amount: BigInt(line.amount),
      spans: Number(line.spans ?? 0),
      note: line.note,
    }
  })
  return { items: [...debits, ...items], next: docs.length > items.length ? (items.at(-1)?.id ?? null) : null }
}

/** Begins the ids of what spans have brought. */
const DEBIT = 'debits-'

/** Latest bucket first. */
function debitsOf(fields: Record<string, unknown>): Entry[] {
  const { budget, buckets } = decodeState(fields)
  return Array.from(buckets, ([key, { debited, spans }]): Entry => {
    const [generation, bucket] = key.split('_').map(Number) as [number, number]
    const common = { kind: 'debited', actor: 'spans', note: '', unit: unitOf(budget, generation) } as const
    return { ...common, id: `${DEBIT}${key}`, at: bucket, generation, bucket, amount: debited, spans }
  })
    .filter(({ spans }) => spans > 0)
    .sort((a, b) => b.generation - a.generation || b.at - a.at)
}
