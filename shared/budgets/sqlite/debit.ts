import { checkAmount } from '../amount.ts'
import { BACKFILL_MS } from '../backfill.ts'
import type { Budget } from '../budget.ts'
import { type Charge, chargeTo, inBucketOf, isOf, type ReservedSpan, type Rule, tells } from '../charge.ts'
import { joinClaims, sameClaim, spentBy, unknownBy } from '../claim.ts'
import { isLease } from '../lease.ts'
import type { DebitBatch, DebitResult } from '../ledger.ts'
import { withoutForgotten } from '../reservation.ts'
import { raiseAlerts } from './alerts.ts'
import { type Books, bucketRow, post, readProject } from './books.ts'
import {
  bucketsBeside,
  CLAIM_BYTES,
  claimId,
  offsetsOf,
  readClaim,
  readClaims,
  SLOT_MS,
  writeClaim,
  writeClaims,
} from './claims.ts'
import { addSamples } from './estimates.ts'
import { changeHold } from './holds.ts'
import { leaseOf, spanOfReservation } from './reservations.ts'

const DAY_MS = 86_400_000
const MINUTE_MS = 60_000

/** How long counted spans are remembered after they started. */
export const CLAIM_DAYS = 8
const DIGEST_DAYS = 30
/** Rows that are forgotten at a time, so that no debit waits long. */
const PRUNE_ROWS = 2_000

/** Debits `batches` within the caller's transaction. */
export function debit(books: Books, batches: readonly DebitBatch[], reason?: string): DebitResult[] {
  const sums = new Sums(books, reason)
  const results = batches.map((batch): DebitResult => {
    const { db, now } = books
    const { project, digest } = batch
    const { rules, refs } = readProject(books, project)
    const bytes = digestKey(digest)
    if (db.get('SELECT 1 FROM digests WHERE project = ? AND digest = ?', project, bytes) !== undefined)
      return 'duplicate'
    if (rules.revision !== batch.revision) return 'stale'
    db.run('INSERT INTO digests VALUES (?, ?, ?)', project, bytes, now())
    db.run(
      'INSERT INTO projects VALUES (?, 0, ?) ON CONFLICT DO UPDATE SET handled = handled + excluded.handled',
      project,
      batch.spans,
    )
    addSamples(books, project, batch.samples)
    const reserved = withoutForgotten(batch.reserved, now())
    const leases = leasesOf(books, project, reserved)
    sums.charge(refs, batch.charges, leases)
    for (const span of reserved) {
      const leased = leases
        .get(spanKey(span))
        ?.budgets.filter(({ unit }) => tells(span, unit))
        .map(({ id }) => id)
      const budgets = leased ?? spanOfReservation(books, project, span)
      const missing = budgets.filter(
        (id) => !batch.charges.some((charge) => charge.budgetId === id && isOf(charge, span)),
      )
      sums.charge(
        refs,
        missing.flatMap((id) => {
          const rule = refs.get(id)?.rule
          return rule === undefined ? [] : [chargeTo(rule.budget, rule.calendar, span)]
        }),
        leases,
      )
    }
    return 'debited'
  })
  sums.write()
  return results
}

interface Lease {
  readonly id: string
  readonly budgets: readonly Budget[]
  readonly expiresAt: number
}
/** By {@link spanKey}. */
type Leases = ReadonlyMap<string, Lease>
const NO_LEASES: Leases = new Map()

function spanKey({ traceId, spanId }: Pick<Charge, 'traceId' | 'spanId'>): string {
  return traceId + spanId
}

/** The leases that the spans of a message name: one read a lease. */
function leasesOf(books: Books, project: string, reserved: readonly ReservedSpan[]): Leases {
  const named = reserved.filter(({ reservationId }) => isLease(reservationId))
  if (named.length === 0) return NO_LEASES
  const ids = new Set(named.map(({ reservationId }) => reservationId))
  const known = new Map([...ids].map((id) => [id, leaseOf(books, project, id)]))
  return new Map(
    named.flatMap((span) => {
      const lease = known.get(span.reservationId)
      return lease === undefined ? [] : [[spanKey(span), { id: span.reservationId, ...lease }]]
    }),
  )
}

/** Charges spans to budgets outside any message: those already counted change nothing. */
export function backfill(books: Books, project: string, charges: readonly Charge[]): void {
  const sums = new Sums(books)
  const { refs } = readProject(books, project)
  sums.charge(
    refs,
    charges.map((charge) => inBucketOf(charge, refs.get(charge.budgetId)?.rule)),
  )
  sums.write()
}

/** What one bucket gains in a transaction, and which spans brought it. */
interface Sum {
  readonly budget: bigint
  readonly rule: Rule
  readonly start: number
  readonly traces: Map<string, { readonly slot: number; readonly traceId: string; readonly charges: Charge[] }>
}

interface Gain {
  amount: bigint
  unknown: bigint
  spans: number
  /** The part of `amount` that comes off leases. */
  readonly ofLeases: Map<Lease, bigint>
}

/** Gathers all charges of a transaction, so that every bucket and every trace's claim is read and written once. */
class Sums {
  readonly #books: Books
  readonly #sums = new Map<string, Sum>()
  /** The leases that pay for some of the charges. */
  readonly #leases = new Map<Charge, Lease>()
  readonly #reason: string | undefined

  /** With a `reason` what is added is written as corrections that say so. */
  constructor(books: Books, reason?: string) {
    this.#books = books
    this.#reason = reason
  }

  charge(
    refs: ReadonlyMap<string, { readonly ref: bigint; readonly rule: Rule }>,
    charges: readonly Charge[],
    leases = NO_LEASES,
  ): void {
    for (const charge of charges) {
      const lease = leases.size === 0 ? undefined : leases.get(spanKey(charge))
      if (lease !== undefined) this.#leases.set(charge, lease)
      const found = refs.get(charge.budgetId)
      if (found === undefined || found.rule.budget.generation !== charge.generation) continue
      this.#add(found, charge.bucket, charge)
    }
  }

  #add({ ref, rule }: { readonly ref: bigint; readonly rule: Rule }, start: number, charge: Charge): void {
    const key = `${ref}/${start}`
    let sum = this.#sums.get(key)
    if (sum === undefined) {
      sum = { budget: ref, rule, start, traces: new Map() }
      this.#sums.set(key, sum)
    }
    const slot = Math.floor(charge.at / SLOT_MS)
    const traceKey = `${charge.traceId}${slot}`
    const trace = sum.traces.get(traceKey)
    if (trace === undefined) sum.traces.set(traceKey, { slot, traceId: charge.traceId, charges: [charge] })
    else trace.charges.push(charge)
  }

  write(): void {
    for (const sum of [...this.#sums.values()]) this.#leaveWhereCounted(sum)
    for (const { budget, rule, start, traces } of this.#sums.values()) {
      if (traces.size === 0) continue
      const { generation } = rule.budget
      const row = bucketRow(this.#books, budget, generation, start)
      const gain: Gain = { amount: 0n, unknown: 0n, spans: 0, ofLeases: new Map() }
      for (const { slot, traceId, charges } of traces.values()) this.#claim(row.ref, slot, traceId, charges, gain)
      if (gain.spans === 0) continue
      for (const [lease, amount] of gain.ofLeases) changeHold(this.#books, budget, lease, { by: -amount })
      this.#post(row, { budget, generation, start }, gain)
    }
    for (const { budget, rule, start } of this.#sums.values()) raiseAlerts(this.#books, budget, rule, start)
  }

  /** A span that another bucket of its period has counted stays there: grants and resets that cut them may have come since. */
  #leaveWhereCounted({ budget, rule, start, traces }: Sum): void {
    const times = Array.from(traces.values()).flatMap(({ charges }) => charges.map(({ at }) => at))
    for (const other of bucketsBeside(this.#books, budget, rule, { start, times })) {
      for (const [key, { slot, traceId, charges }] of traces) {
        const counted = offsetsOf(readClaims(this.#books, slot, other.ref, traceId))
        const [there, here] = [
          charges.filter((own) => counted.has(claimId(own))),
          charges.filter((own) => !counted.has(claimId(own))),
        ]
        for (const charge of there) this.#add({ ref: budget, rule }, other.start, charge)
        if (here.length > 0) traces.set(key, { slot, traceId, charges: here })
        else traces.delete(key)
      }
    }
  }

  #post(
    { ref, spent, unknown }: ReturnType<typeof bucketRow>,
    { budget, generation, start }: { readonly budget: bigint; readonly generation: number; readonly start: number },
    gain: Gain,
  ): void {
    const { db, now } = this.#books
    if (this.#reason !== undefined) {
      db.run('UPDATE balances SET unknown = ? WHERE ref = ?', unknown + gain.unknown, ref)
      const line = { kind: 'corrected', actor: 'reconcile', note: this.#reason, bucket: start } as const
      post(this.#books, { budget, generation, ...line, amount: gain.amount, spans: gain.spans })
      return
    }
    const total = checkAmount(spent + gain.amount)
    db.run('UPDATE balances SET spent = ?, unknown = ? WHERE ref = ?', total, unknown + gain.unknown, ref)
    db.run(
      `INSERT INTO entries (budget, at, kind, actor, generation, bucket, amount, spans, note)
       VALUES (?, ?, 'debited', 'spans', ?, ?, ?, ?, '')
       ON CONFLICT (budget, generation, bucket, at) WHERE kind = 'debited'
       DO UPDATE SET amount = amount + excluded.amount, spans = spans + excluded.spans`,
      budget,
      Math.floor(now() / MINUTE_MS) * MINUTE_MS,
      generation,
      start,
      gain.amount,
      gain.spans,
    )
  }

  /** Joins a trace's charges with what its claim says of the same spans. */
  #claim(balance: bigint, slot: number, traceId: string, charges: readonly Charge[], gain: Gain): void {
    const before = readClaims(this.#books, slot, balance, traceId)
    const claims = Buffer.concat([before, Buffer.alloc(charges.length * CLAIM_BYTES)])
    const offsets = offsetsOf(before)
    let length = before.length
    let changed = false
    for (const charge of charges) {
      const { claimed } = charge
      const id = claimId(charge)
      let at = offsets.get(id)
      const earlier = at === undefined ? undefined : readClaim(claims, at)
      const joined = joinClaims(earlier, claimed)
      if (sameClaim(earlier, joined)) continue
      if (at === undefined) {
        at = length
        length += CLAIM_BYTES
        offsets.set(id, at)
      }
      writeClaim(claims, at, id, joined)
      const amount = spentBy(joined) - spentBy(earlier)
      const lease = this.#leases.size === 0 ? undefined : this.#leases.get(charge)
      if (lease !== undefined) gain.ofLeases.set(lease, (gain.ofLeases.get(lease) ?? 0n) + amount)
      gain.amount += amount
      gain.unknown += BigInt(unknownBy(joined) - unknownBy(earlier))
      gain.spans++
      changed = true
    }
    if (changed) writeClaims(this.#books, slot, balance, traceId, claims.subarray(0, length))
  }
}

/** Forgets what is too old to come again, a little at a time. */
export function prune({ db, now }: Books): void {
  // A backfill that is not whole yet will come upon old spans again, and must find that it has counted them.
  const filling = db.get(
    `SELECT 1 FROM budgets WHERE deleted = 0 AND json_extract(body, '$.backfill') = 'pending'
     AND json_extract(body, '$.since') > ? LIMIT 1`,
    now() - BACKFILL_MS,
  )
  if (filling === undefined) {
    db.run(
      `DELETE FROM span_claims WHERE (slot, balance, trace) IN
     (SELECT slot, balance, trace FROM span_claims WHERE slot < ? LIMIT ${PRUNE_ROWS})`,
      Math.floor((now() - CLAIM_DAYS * DAY_MS) / SLOT_MS),
    )
  }
  db.run(
    `DELETE FROM digests WHERE (project, digest) IN
     (SELECT project, digest FROM digests WHERE at < ? LIMIT ${PRUNE_ROWS})`,
    now() - DIGEST_DAYS * DAY_MS,
  )
  db.run(
    `DELETE FROM reservations WHERE (project, id) IN
     (SELECT project, id FROM reservations WHERE at < ? LIMIT ${PRUNE_ROWS})`,
    now() - CLAIM_DAYS * DAY_MS,
  )
  db.run('DELETE FROM holds WHERE expires_at < ?', now() - DAY_MS)
}

/** A digest in half its length; parts of a split message have a suffix and are kept as they are. */
function digestKey(digest: string): Buffer {
  return /^[0-9a-f]{64}$/.test(digest) ? Buffer.from(digest, 'hex') : Buffer.from(digest)
}
