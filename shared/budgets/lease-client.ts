import { type Amounts, UNITS } from './amount.ts'

/** What a server grants: amounts are totals since the lease was taken. */
export interface GrantedLease {
  readonly leaseId: string
  readonly granted: Required<Amounts>
  /** Milliseconds since 1970, by the client's clock. */
  readonly expiresAt: number
}

export interface LeaseClientOptions {
  /** `budgets:lease`: takes the lease of `key`, or grows it to `total`. Null: denied. May reject; it is then asked again. */
  readonly lease: (key: string, total: Amounts) => Promise<GrantedLease | null>
  /** `budgets:return`. */
  readonly giveBack: (leaseId: string, used: Amounts) => Promise<unknown>
  /** What is leased at a time: the more, the fewer round trips, and the more is held that others cannot spend. */
  readonly slice: Amounts
  /** A new key for each new lease. @defaultValue random UUIDs */
  readonly newKey?: () => string
  /** Nothing is spent this long before a lease ends, so that spans arrive before it does. @defaultValue 10,000 */
  readonly marginMs?: number
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

/** A call that was let through. Its span must carry `leaseId` as the attribute `spanledger.reservation`. */
export interface LeasedCall {
  readonly leaseId: string
  /** Says what the call cost; without, it counts as it was estimated. A second time changes nothing. */
  done(actual: Amounts): void
}

/** A lease in hand. Amounts by unit since it was taken. */
interface Held {
  readonly key: string
  readonly lease: GrantedLease
  readonly used: Map<string, bigint>
}

/**
 * Spends leased slices of budgets without asking for each call. When half of a slice is used, it is grown in the background; when a
 * lease nears its end a new one is taken and what the old one has left is given back. Spends at most what was
 * granted, but for what calls cost beyond their estimates.
 */
export class LeaseClient {
  readonly #options: Required<LeaseClientOptions>
  #held: Held | undefined
  #refilling: Promise<void> | undefined
  #nextKey: string

  constructor(options: LeaseClientOptions) {
    this.#options = { newKey: () => crypto.randomUUID(), marginMs: 10_000, now: Date.now, ...options }
    this.#nextKey = this.#options.newKey()
  }

  /** Spends `estimate` of what is in hand, without a round trip; undefined when it does not fit. */
  trySpend(estimate: Amounts): LeasedCall | undefined {
    const held = this.#usable()
    if (held === undefined || !fits(held, estimate)) return undefined
    add(held, estimate, 1n)
    if (!fits(held, half(this.#options.slice))) void this.#refill(estimate).catch(() => undefined)
    let counted = false
    return {
      leaseId: held.lease.leaseId,
      done: (actual) => {
        if (counted) return
        counted = true
        add(held, estimate, -1n)
        add(held, { ...estimate, ...actual }, 1n)
      },
    }
  }

  /** Spends `estimate`, after a refill if need be; undefined when the budgets have no room for it. Rejects when the server cannot be asked. */
  async spend(estimate: Amounts): Promise<LeasedCall | undefined> {
    const call = this.trySpend(estimate)
    if (call !== undefined) return call
    // A refill that was on its way may have been for less.
    await this.#refill(estimate)
    return this.trySpend(estimate) ?? (await this.#refill(estimate).then(() => this.trySpend(estimate)))
  }

  /** Gives back what is left. What then still spends takes a new lease. */
  async close(): Promise<void> {
    await this.#refilling?.catch(() => undefined)
    const held = this.#held
    this.#held = undefined
    this.#nextKey = this.#options.newKey()
    if (held !== undefined) await this.#options.giveBack(held.lease.leaseId, usedOf(held))
  }

  #usable(): Held | undefined {
    const held = this.#held
    return held !== undefined && held.lease.expiresAt - this.#options.marginMs > this.#options.now() ? held : undefined
  }

  #refill(least: Amounts): Promise<void> {
    this.#refilling ??= this.#ask(least).finally(() => {
      this.#refilling = undefined
    })
    return this.#refilling
  }

  async #ask(least: Amounts): Promise<void> {
    const { lease, giveBack, slice, newKey } = this.#options
    const held = this.#usable()
    const former = this.#held
    const key = held?.key ?? this.#nextKey
    const total = Object.fromEntries(
      UNITS.flatMap((unit) => {
        const [wanted, needed] = [slice[unit], least[unit]]
        if (wanted === undefined && needed === undefined) return []
        const more = (wanted ?? 0n) > (needed ?? 0n) ? (wanted ?? 0n) : (needed ?? 0n)
        return [[unit, more + (held?.used.get(unit) ?? 0n)]]
      }),
    )
    const granted = await lease(key, total)
    if (granted === null) return
    // A server may say that the lease of this key has ended: the next one has another key.
    if (key === this.#nextKey) this.#nextKey = newKey()
    this.#held = { key, lease: granted, used: held?.used ?? new Map() }
    if (held === undefined && former !== undefined)
      await giveBack(former.lease.leaseId, usedOf(former)).catch(() => undefined)
  }
}

function fits({ lease: { granted }, used }: Held, amounts: Amounts): boolean {
  return UNITS.every((unit) => {
    const amount = amounts[unit]
    return amount === undefined || (used.get(unit) ?? 0n) + amount <= granted[unit]
  })
}

function add({ used }: Held, amounts: Amounts, times: bigint): void {
  for (const unit of UNITS) used.set(unit, (used.get(unit) ?? 0n) + (amounts[unit] ?? 0n) * times)
}

function usedOf({ used }: Held): Amounts {
  return Object.fromEntries(used)
}

function half(slice: Amounts): Amounts {
  return Object.fromEntries(UNITS.flatMap((unit) => (slice[unit] === undefined ? [] : [[unit, slice[unit] / 2n]])))
}
