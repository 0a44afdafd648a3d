import type { Charge, Rule } from '../charge.ts'
import type { Claimed } from '../claim.ts'
import type { Books } from './books.ts'

/** Spans that start in the same so many milliseconds are remembered side by side. */
export const SLOT_MS = 4_000
/** Bytes of one span in a claim: its id, twice its revision plus whether it matched, its value. */
export const CLAIM_BYTES = 24
/** How far ahead a clock may be for its spans to be found in the bucket that counted them, in milliseconds. */
const AHEAD_MS = 3_600_000

/** What a bucket has counted of the spans of one trace and slot, one after another. */
export function readClaims({ db }: Books, slot: number, balance: bigint, traceId: string): Buffer {
  const sql = 'SELECT spans FROM span_claims WHERE slot = ? AND balance = ? AND trace = ?'
  const known = db.get(sql, slot, balance, Buffer.from(traceId, 'hex'))
  return known === undefined ? Buffer.alloc(0) : Buffer.from(known.spans as Uint8Array)
}

export function writeClaims({ db }: Books, slot: number, balance: bigint, traceId: string, claims: Buffer): void {
  const sql = 'INSERT OR REPLACE INTO span_claims VALUES (?, ?, ?, ?)'
  db.run(sql, slot, balance, Buffer.from(traceId, 'hex'), claims)
}

/** Where each span is in `claims`. */
export function offsetsOf(claims: Buffer): Map<bigint, number> {
  const offsets = new Map<bigint, number>()
  for (let at = 0; at < claims.length; at += CLAIM_BYTES) offsets.set(claims.readBigUInt64BE(at), at)
  return offsets
}

/** How a claim names a span. */
export function claimId({ spanId }: Pick<Charge, 'spanId'>): bigint {
  return BigInt(`0x${spanId}`)
}

export function readClaim(claims: Buffer, at: number): Claimed {
  const revision = claims.readBigUInt64BE(at + 8)
  return { revision: Number(revision >> 1n), value: claims.readBigInt64BE(at + 16), matched: (revision & 1n) === 1n }
}

export function writeClaim(claims: Buffer, at: number, id: bigint, { revision, value, matched }: Claimed): void {
  claims.writeBigUInt64BE(id, at)
  claims.writeBigUInt64BE(BigInt(revision) * 2n + (matched ? 1n : 0n), at + 8)
  claims.writeBigInt64BE(value, at + 16)
}

/**
 * The other buckets of a period that may have counted spans which start at these times: a grant or a reset cuts a bucket in two, and clocks
 * may be ahead of it.
 */
export function bucketsBeside(
  { db }: Books,
  budget: bigint,
  { calendar, budget: { generation } }: Rule,
  { start, times }: { readonly start: number; readonly times: readonly number[] },
): { readonly ref: bigint; readonly start: number }[] {
  const [earliest, latest] = times.reduce(([a, b], at) => [Math.min(a, at), Math.max(b, at)], [start, start])
  return db
    .all(
      `SELECT ref, start FROM balances WHERE budget = ?1 AND generation = ?2 AND start <= ?5 AND start >= coalesce(
         (SELECT max(start) FROM balances WHERE budget = ?1 AND generation = ?2 AND start BETWEEN ?3 AND ?4), ?3)`,
      budget,
      generation,
      calendar.window(start).start,
      earliest - AHEAD_MS,
      latest,
    )
    .map((row) => ({ ref: row.ref as bigint, start: Number(row.start) }))
    .filter((bucket) => bucket.start !== start)
}
