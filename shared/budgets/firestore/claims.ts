import type { DocumentReference } from '@google-cloud/firestore'
import type { Charge } from '../charge.ts'
import type { Claimed } from '../claim.ts'
import { type Collections, nameOf } from './documents.ts'
import type { Workspace } from './workspace.ts'

/** What a message charges, as its claim keeps it: `span` is the key by which other claims are searched for the same span. */
export interface ClaimedCharge {
  readonly budgetId: string
  readonly generation: number
  readonly bucket: number
  readonly span: string
  readonly claimed: Claimed
  /** The reservation that the span names; ''. */
  readonly reservation: string
}

/** A claim says so much at most, to stay below a document's 1 MiB: a larger message has several. */
const MAX_ROWS = 5_000
/** Values that one `array-contains-any` query takes. */
const QUERY_VALUES = 30
/** How long a claim is kept. Firestore deletes it by the time to live on `expireAt`. */
const CLAIM_MS = 8 * 86_400_000

/** The key of a span: 72 bits of a hash. */
export function spanKey(project: string, { traceId, spanId }: Pick<Charge, 'traceId' | 'spanId'>): string {
  return Buffer.from(nameOf(project, traceId, spanId), 'hex')
    .subarray(0, 9)
    .toString('base64url')
}

/** Writes the claim at `ref`, and further ones where it is too large for one document: all or none, with all else of the workspace. */
export function putClaim(
  workspace: Workspace,
  { claims }: Collections,
  ref: DocumentReference,
  { charges, now }: { readonly charges: readonly ClaimedCharge[]; readonly now: number },
): void {
  const rows = rowsOf(charges)
  for (let at = 0; at === 0 || at < rows.length; at += MAX_ROWS) {
    const own = rows.slice(at, at + MAX_ROWS)
    workspace.put(at === 0 ? ref : claims.doc(`${ref.id}_${at}`), {
      keys: [...new Set(own.map(({ charge: { span } }) => span))],
      charges: encodeRows(own),
      expireAt: new Date(now + CLAIM_MS),
    })
  }
}

/**
 * What other claims say of the same spans. To be read after the budgets that the charges go to: then a claim that
 * comes too late to be seen has changed one of them, and the workspace is not written.
 */
export async function otherCharges(
  workspace: Workspace,
  { claims }: Collections,
  charges: readonly ClaimedCharge[],
): Promise<ClaimedCharge[]> {
  const said: ClaimedCharge[] = []
  const keys = new Set(charges.map(({ span }) => span))
  const take = (text: string) => {
    for (const charge of decodeCharges(text)) if (keys.has(charge.span)) said.push(charge)
  }
  for (const fields of workspace.pending(claims)) take(String(fields.charges))
  const wanted = [...keys]
  const queries = Array.from({ length: Math.ceil(wanted.length / QUERY_VALUES) }, (_, i) =>
    claims
      .where('keys', 'array-contains-any', wanted.slice(i * QUERY_VALUES, (i + 1) * QUERY_VALUES))
      .select('charges')
      .get(),
  )
  const found = new Map(
    (await Promise.all(queries)).flatMap(({ docs }) => docs.map((document) => [document.id, document])),
  )
  for (const document of found.values()) take(String(document.get('charges')))
  return said
}

/** One span in one bucket of one budget. */
export function targetKey({ budgetId, generation, bucket, span }: ClaimedCharge): string {
  return `${budgetId}/${generation}/${bucket}/${span}`
}

type Target = readonly [budgetId: string, generation: number, bucket: number]

/** What is said of one span alike to several buckets. */
interface ClaimRow {
  readonly charge: ClaimedCharge
  readonly targets: Target[]
}

/** Most spans go to the same few buckets at the same amount: one row a span and unit, however many budgets there are. */
function rowsOf(charges: readonly ClaimedCharge[]): ClaimRow[] {
  const rows = new Map<string, ClaimRow>()
  for (const charge of charges) {
    const { span, claimed, reservation } = charge
    const key = `${span}/${claimed.revision}/${claimed.value}/${claimed.matched}/${reservation}`
    const target: Target = [charge.budgetId, charge.generation, charge.bucket]
    const row = rows.get(key)
    if (row === undefined) rows.set(key, { charge, targets: [target] })
    else row.targets.push(target)
  }
  return [...rows.values()]
}

type EncodedRow = [span: string, revision: number, value: string, matched: 0 | 1, reservation: string, targets: number]

function encodeRows(rows: readonly ClaimRow[]): string {
  const lists = new Map<string, { readonly index: number; readonly targets: readonly Target[] }>()
  const encoded = rows.map(({ charge: { span, claimed, reservation }, targets }): EncodedRow => {
    const key = JSON.stringify(targets)
    const list = lists.get(key) ?? { index: lists.size, targets }
    lists.set(key, list)
    return [span, claimed.revision, claimed.value.toString(), claimed.matched ? 1 : 0, reservation, list.index]
  })
  return JSON.stringify({ lists: Array.from(lists.values(), ({ targets }) => targets), rows: encoded })
}

function decodeCharges(text: string): ClaimedCharge[] {
  const { lists, rows } = JSON.parse(text) as { lists: Target[][]; rows: EncodedRow[] }
  return rows.flatMap(([span, revision, value, matched, reservation, list]) => {
    const claimed = { revision, value: BigInt(value), matched: matched === 1 }
    return (lists[list] ?? []).map(([budgetId, generation, bucket]) => ({
      ...{ budgetId, generation, bucket },
      ...{ span, claimed, reservation },
    }))
  })
}
