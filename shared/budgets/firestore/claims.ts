import type { DocumentReference, Timestamp } from '@google-cloud/firestore'
import type { Charge } from '../charge.ts'
import { type Claimed, joinClaims } from '../claim.ts'
import { type Collections, nameOf } from './documents.ts'
import { ALREADY_EXISTS, codeOf } from './workspace.ts'

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

/** A message, or a part of a large one. Its charges never change: what they add follows from them and from older claims alone. */
export interface Claim {
  readonly ref: DocumentReference
  readonly created: Timestamp
  /** Of the document, for the condition that nobody else has finished it. */
  readonly updated: Timestamp
  readonly done: boolean
  readonly spans: number
  readonly charges: readonly ClaimedCharge[]
}

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

/** Creates the claim `name`, or finds the one that is there. */
export async function claim(
  { claims }: Collections,
  name: string,
  given: { readonly spans: number; readonly charges: readonly ClaimedCharge[]; readonly now: number },
): Promise<Claim> {
  const ref = claims.doc(name)
  const { spans, charges, now } = given
  try {
    const { writeTime } = await ref.create({
      done: false,
      spans,
      keys: [...new Set(charges.map(({ span }) => span))],
      charges: encodeCharges(charges),
      expireAt: new Date(now + CLAIM_MS),
    })
    return { ref, created: writeTime, updated: writeTime, done: false, spans, charges }
  } catch (error) {
    if (codeOf(error) !== ALREADY_EXISTS) throw error
  }
  const found = await ref.get()
  const { createTime, updateTime } = found
  if (createTime === undefined || updateTime === undefined) throw new Error('a claim went while it was read')
  return {
    ref,
    created: createTime,
    updated: updateTime,
    done: found.get('done') === true,
    spans: Number(found.get('spans')),
    charges: decodeCharges(String(found.get('charges'))),
  }
}

/** What older claims say of the same spans, by {@link targetKey}. */
export async function olderCharges({ claims }: Collections, own: Claim): Promise<Map<string, Claimed>> {
  const said = new Map<string, Claimed>()
  const keys = [...new Set(own.charges.map(({ span }) => span))]
  const chunks = Array.from({ length: Math.ceil(keys.length / QUERY_VALUES) }, (_, i) =>
    keys.slice(i * QUERY_VALUES, (i + 1) * QUERY_VALUES),
  )
  const found = await Promise.all(
    chunks.map((chunk) => claims.where('keys', 'array-contains-any', chunk).select('charges').get()),
  )
  for (const document of found.flatMap(({ docs }) => docs)) {
    if (document.id === own.ref.id || !isOlder(document.createTime, document.id, own)) continue
    for (const charge of decodeCharges(String(document.get('charges')))) {
      const key = targetKey(charge)
      said.set(key, joinClaims(said.get(key), charge.claimed))
    }
  }
  return said
}

/** One span in one bucket of one budget. */
export function targetKey({ budgetId, generation, bucket, span }: ClaimedCharge): string {
  return `${budgetId}/${generation}/${bucket}/${span}`
}

function isOlder(created: Timestamp, id: string, own: Claim): boolean {
  const [a, b] = [created.valueOf(), own.created.valueOf()]
  return a < b || (a === b && id < own.ref.id)
}

function encodeCharges(charges: readonly ClaimedCharge[]): string {
  return JSON.stringify(
    charges.map(({ budgetId, generation, bucket, span, claimed: { revision, value, matched }, reservation }) => [
      budgetId,
      generation,
      bucket,
      span,
      revision,
      value.toString(),
      matched ? 1 : 0,
      reservation,
    ]),
  )
}

function decodeCharges(text: string): ClaimedCharge[] {
  return (JSON.parse(text) as [string, number, number, string, number, string, number, string][]).map(
    ([budgetId, generation, bucket, span, revision, value, matched, reservation]) => ({
      budgetId,
      generation,
      bucket,
      span,
      claimed: { revision, value: BigInt(value), matched: matched === 1 },
      reservation,
    }),
  )
}
