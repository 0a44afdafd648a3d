import { type Claimed, joinClaims, sameClaim, spentBy, unknownBy } from '../claim.ts'
import { isLease } from '../lease.ts'
import { type ClaimedCharge, targetKey } from './claims.ts'
import type { BudgetState } from './documents.ts'
import { ruleOf } from './project.ts'

/** What one bucket gains. */
export interface Gain {
  readonly budgetId: string
  readonly generation: number
  readonly bucket: number
  amount: bigint
  unknown: number
  spans: number
  /** The part of `amount` that comes off leases. */
  readonly ofLeases: Map<string, bigint>
}

/**
 * What `charges` say beyond what other claims say of the same spans. A budget that is told something new gains, even where its sum
 * stays: it is written, so that whoever says something else of the same span meanwhile must notice.
 */
export function gainsOf(charges: readonly ClaimedCharge[], others: readonly ClaimedCharge[]): Gain[] {
  const gains = new Map<string, Gain>()
  const said = new Map<string, Claimed>()
  for (const own of others) said.set(targetKey(own), joinClaims(said.get(targetKey(own)), own.claimed))
  for (const own of charges) {
    const { budgetId, generation, bucket, claimed, reservation } = own
    const key = targetKey(own)
    const earlier = said.get(key)
    const joined = joinClaims(earlier, claimed)
    if (sameClaim(earlier, joined)) continue
    said.set(key, joined)
    const target = `${budgetId}/${bucket}`
    const gain = gains.get(target) ?? {
      ...{ budgetId, generation, bucket },
      ...{ amount: 0n, unknown: 0, spans: 0, ofLeases: new Map<string, bigint>() },
    }
    gains.set(target, gain)
    const amount = spentBy(joined) - spentBy(earlier)
    gain.amount += amount
    gain.unknown += unknownBy(joined) - unknownBy(earlier)
    gain.spans++
    if (isLease(reservation)) gain.ofLeases.set(reservation, (gain.ofLeases.get(reservation) ?? 0n) + amount)
  }
  return [...gains.values()]
}

/** `charges`, each in the bucket of its period that has counted its span: grants and resets that cut them may have come since. */
export function leaveWhereCounted(
  charges: readonly ClaimedCharge[],
  others: readonly ClaimedCharge[],
  states: ReadonlyMap<string, BudgetState>,
): readonly ClaimedCharge[] {
  if (others.length === 0) return charges
  const nameOf = ({ budgetId, generation, span }: ClaimedCharge) => `${budgetId}/${generation}/${span}`
  const counted = Map.groupBy(others, nameOf)
  const calendars = new Map(Array.from(states, ([id, state]) => [id, ruleOf(state).calendar]))
  return charges.map((charge) => {
    const periodOf = (bucket: number) => calendars.get(charge.budgetId)?.window(bucket).start
    const buckets = (counted.get(nameOf(charge)) ?? []).map(({ bucket }) => bucket)
    const beside = buckets.filter((bucket) => periodOf(bucket) === periodOf(charge.bucket))
    return beside.length === 0 || beside.includes(charge.bucket) ? charge : { ...charge, bucket: Math.min(...beside) }
  })
}
