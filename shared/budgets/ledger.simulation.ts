import { expect } from 'vitest'
import { isSpanledgerError } from '../errors.ts'
import { MAX_LEASE_MS } from './lease.ts'
import { batchOf, type TestSpan, termsOf } from './ledger.fixtures.ts'
import type { BudgetLedger } from './ledger.ts'
import { calendarWindow } from './period.ts'
import {
  BEGINNINGS,
  generator,
  type ModelBudget,
  type ModelLease,
  type ModelReservation,
  ZONES,
} from './simulation.model.ts'

/**
 * A world of clients, clocks and crashes, played by a seed against the ledger and a model of it that is too simple to be wrong: it keeps
 * every fact and adds them all up for every answer. Requests and messages are lost before or after they are carried out, repeated,
 * reordered, re-batched and late; clocks are skewed; time leaps over expiries, midnights and the changes of daylight saving.
 */
export interface World {
  readonly ledger: BudgetLedger
  /** The ledger's clock. */
  readonly clock: { now: number }
  /** Ledger and model are compared after every so many steps, besides every answer. */
  readonly checkEvery?: number
}

const TTL_MS = 30_000
const MAX_STEPS = 400

interface Step {
  readonly run: () => Promise<void>
  /** Whether its answer may be lost and it is then sent again. */
  readonly repeats: boolean
}

/** Plays one schedule; throws where ledger and model differ. Returns what happened. */
export async function simulate(
  { ledger, clock, checkEvery = 1 }: World,
  seed: number,
): Promise<{ admitted: number; denied: number }> {
  const random = generator(seed)
  const below = (n: number) => Math.floor(random() * n)
  const pick = <T>(items: readonly T[]): T => items[below(items.length)] as T
  const project = `project-${seed}`
  clock.now = Date.parse(pick(BEGINNINGS)) + below(3 * 60_000)

  const budgets: ModelBudget[] = (['all', 'a'] as const).slice(0, 1 + below(2)).map((id) => ({
    id,
    user: id === 'a' ? 'a' : null,
    period: pick(['hour', 'day']),
    zone: pick(ZONES),
    limit: BigInt(20 + below(80)),
  }))
  const reservations = new Map<string, ModelReservation>()
  const spans = new Map<
    string,
    { readonly budgets: Set<string>; readonly at: number; value: bigint; revision: number }
  >()
  const leases = new Map<string, ModelLease>()
  const handled = new Set<string>()
  let handledSpans = 0n
  /** What may exceed a limit, by budget: what was spent beyond or without what was reserved. */
  const excess = new Map(budgets.map(({ id }) => [id, 0n]))
  let admitted = 0
  let denied = 0
  /** Whether the step in hand was broken off by the store, carried out or not, and is done again. */
  let broken = false

  const put = async (budget: ModelBudget) => {
    const { id, user, period, zone, limit } = budget
    const selector = user === null ? {} : { user: [user] }
    await ledger.put(project, id, termsOf({ limit, period, timeZone: zone, selector, thresholds: [] }), '')
  }
  for (const budget of budgets) await insist(() => put(budget))

  const applying = (user: string) => budgets.filter((budget) => budget.user === null || budget.user === user)
  const spentIn = ({ id, period, zone }: ModelBudget, at: number) => {
    const { start, end } = calendarWindow(period, zone, at)
    let sum = 0n
    for (const span of spans.values()) {
      if (span.budgets.has(id) && span.at >= start && span.at < end && span.value > 0n) sum += span.value
    }
    for (const { budgets, provisional, settledAt, createdAt } of reservations.values()) {
      if (provisional && budgets.includes(id) && createdAt >= start && createdAt < end) sum += settledAt ?? 0n
    }
    return sum
  }
  const heldBy = ({ id }: ModelBudget) => {
    let sum = 0n
    for (const { budgets, state, spansCame, createdAt, amount } of reservations.values()) {
      const open = state === 'open' && !spansCame && createdAt + TTL_MS > clock.now
      if (open && budgets.includes(id)) sum += amount
    }
    for (const lease of leases.values()) sum += leftOf(lease, id)
    return sum
  }
  const leftOf = ({ budgets, expiresAt, granted, used, came }: ModelLease, id: string) => {
    const left = (used ?? granted) - (came.get(id) ?? 0n)
    return budgets.includes(id) && expiresAt > clock.now && left > 0n ? left : 0n
  }
  const remaining = (budget: ModelBudget) => budget.limit - spentIn(budget, clock.now) - heldBy(budget)

  const waiting: Step[] = []
  const later = (run: () => Promise<void>, repeats = true) => waiting.push({ run, repeats })

  const reserve = (key: string, user: string, amount: bigint, granted: (id: string) => void) => async () => {
    const known = [...reservations.values()].find(({ id }) => id === keys.get(key))
    const room = applying(user).map(remaining)
    const request = { project, idempotencyKey: key, subject: { user }, ttlMs: TTL_MS }
    const result = await ledger.reserve({ ...request, amounts: { usd: amount, tokens: 1n, requests: 1n } })
    const expected = known !== undefined || room.every((left) => left > 0n && amount <= left)
    expect(result.kind).toBe(expected ? 'reserved' : 'denied')
    if (result.kind === 'denied') {
      denied++
      return
    }
    const { id } = result.reservation
    if (known === undefined) {
      admitted++
      keys.set(key, id)
      reservations.set(id, {
        id,
        budgets: applying(user).map((budget) => budget.id),
        amount,
        createdAt: clock.now,
        state: 'open',
        settledAt: null,
        provisional: false,
        spansCame: false,
      })
    }
    granted(id)
  }
  const keys = new Map<string, string>()

  const settle = (id: string, amount: bigint) => async () => {
    const own = reservations.get(id) as ModelReservation
    const result = await ledger.settle(project, id, { usd: amount })
    expect(result.state).toBe('settled')
    if (own.state === 'settled') return
    if (!own.spansCame) for (const budget of own.budgets) addExcess(budget, own, amount)
    own.state = 'settled'
    own.settledAt = amount
    own.provisional = !own.spansCame
  }
  const release = (id: string) => async () => {
    const own = reservations.get(id) as ModelReservation
    const result = await ledger.release(project, id).catch((error) => {
      if (isSpanledgerError(error, 'store/unavailable')) throw error
      return error
    })
    if (own.state === 'settled') expect(result).toMatchObject({ code: 'store/rejected' })
    else own.state = 'released'
  }
  const takeLease = (key: string, user: string, amount: bigint, granted: (id: string) => void) => async () => {
    const id = keys.get(key)
    const known = id === undefined ? undefined : leases.get(id)
    const rooms = applying(user).map(remaining)
    const request = { project, idempotencyKey: key, subject: { user }, ttlMs: TTL_MS }
    const result = await ledger.lease({ ...request, amounts: { usd: amount, tokens: 1n, requests: 1n } })
    const denied = known === undefined && rooms.some((left) => left <= 0n)
    expect(result.kind).toBe(denied ? 'denied' : 'leased')
    if (result.kind === 'denied') return
    const ended = known !== undefined && (known.used !== null || known.expiresAt <= clock.now)
    let more = amount - (known?.granted ?? 0n)
    for (const left of rooms) if (left < more) more = left
    const own = known ?? {
      budgets: applying(user).map((budget) => budget.id),
      ...{ createdAt: clock.now, expiresAt: 0, granted: 0n, used: null, came: new Map() },
    }
    if (!ended) {
      own.granted += more > 0n ? more : 0n
      own.expiresAt = Math.min(Math.max(own.expiresAt, clock.now + TTL_MS), own.createdAt + MAX_LEASE_MS)
    }
    expect(result.reservation.amounts.usd).toBe(own.granted)
    expect(result.reservation.expiresAt).toBe(own.expiresAt)
    keys.set(key, result.reservation.id)
    leases.set(result.reservation.id, own)
    granted(result.reservation.id)
  }
  const returnLease = (id: string, used: bigint) => async () => {
    const own = leases.get(id) as ModelLease
    await ledger.returnLease(project, id, { usd: used })
    if (own.used === null && own.expiresAt > clock.now) own.used = used < own.granted ? used : own.granted
  }
  const addExcess = (budget: string, own: ModelReservation | undefined, amount: bigint) => {
    const open = own !== undefined && own.state === 'open' && !own.spansCame && own.createdAt + TTL_MS > clock.now
    const covered = open ? own.amount : 0n
    excess.set(budget, (excess.get(budget) ?? 0n) + (amount > covered ? amount - covered : 0n))
  }

  const deliver = (name: string, message: readonly TestSpan[]) => async () => {
    const result = (await ledger.debit([await batchOf(ledger, project, name, message)]))[0]
    if (!broken) expect(result).toBe(handled.has(name) ? 'duplicate' : 'debited')
    if (handled.has(name)) return
    handled.add(name)
    handledSpans += BigInt(message.length)
    for (const { trace, span, at, amounts, reservation, matches = [], revision = 0 } of message) {
      const own = amounts.usd === undefined || reservation === undefined ? undefined : reservations.get(reservation)
      const lease = amounts.usd === undefined || reservation === undefined ? undefined : leases.get(reservation)
      const charged = new Set([...matches, ...(own?.budgets ?? []), ...(lease?.budgets ?? [])])
      const key = `${trace}/${span}`
      const before = spans.get(key)
      const value = amounts.usd ?? -1n
      const gain = value - (before === undefined || before.value < 0n ? 0n : before.value)
      if (before === undefined) spans.set(key, { budgets: charged, at, value, revision })
      else {
        for (const budget of charged) before.budgets.add(budget)
        if (revision > before.revision || (revision === before.revision && value > before.value)) {
          before.value = value
          before.revision = revision
        }
      }
      // A clock that is ahead moves spend into a period that has not begun: nothing that is held then covers it.
      const ahead = ({ period, zone }: ModelBudget) => calendarWindow(period, zone, at).start > clock.now
      for (const budget of budgets) {
        if (!charged.has(budget.id) || (gain <= 0n && before !== undefined)) continue
        if (lease === undefined) {
          addExcess(budget.id, ahead(budget) ? undefined : own, value)
          continue
        }
        const spent = before === undefined && value < 0n ? 0n : gain
        const covered = ahead(budget) ? 0n : leftOf(lease, budget.id)
        excess.set(budget.id, (excess.get(budget.id) ?? 0n) + (spent > covered ? spent - covered : 0n))
        lease.came.set(budget.id, (lease.came.get(budget.id) ?? 0n) + spent)
      }
      if (own !== undefined && !own.spansCame) {
        own.spansCame = true
        own.provisional = false
      }
    }
  }

  const calls = 4 + below(8)
  for (let call = 1; call <= calls; call++) {
    const user = pick(['a', 'b'])
    const estimate = BigInt(1 + below(20))
    const actual = random() < 0.8 ? BigInt(below(Number(estimate) + 1)) : estimate + BigInt(below(10))
    const made = (id: string | undefined) => {
      const at = clock.now + below(5_000) - 2_500
      const matches = applying(user).map((budget) => budget.id)
      const common = { trace: call, at, matches, ...(id !== undefined && { reservation: id }) }
      const priced = { ...common, span: call, amounts: { usd: actual } }
      if (random() < 0.2) later(deliver(`early ${call}`, [{ ...priced, amounts: { requests: 1n } }]))
      later(deliver(`message ${call}`, [priced]))
      if (random() < 0.3)
        later(deliver(`again ${call}`, [{ ...common, span: 100 + call, amounts: { usd: 1n } }, priced]))
    }
    if (random() < 0.15) {
      later(async () => made(undefined), false)
      continue
    }
    let answered = false
    later(
      reserve(`call ${call}`, user, estimate, (id) => {
        if (answered) return
        answered = true
        const fate = random()
        if (fate < 0.1) return
        if (fate < 0.2) {
          later(release(id))
          return
        }
        if (fate < 0.7) later(settle(id, actual))
        if (random() < 0.85) made(id)
      }),
    )
  }
  const slices = below(3)
  for (let lease = 1; lease <= slices; lease++) {
    const user = pick(['a', 'b'])
    const matches = applying(user).map((budget) => budget.id)
    const asked = BigInt(5 + below(40))
    const spend = (id: string, first: number, used: bigint) => {
      const message: TestSpan[] = []
      let left = used
      for (let span = first; left > 0n; span++) {
        // A call now and then costs more than it was thought to.
        const part = BigInt(1 + below(Number(left)))
        const usd = random() < 0.1 ? part + BigInt(below(8)) : part
        const at = clock.now + below(5_000) - 2_500
        message.push({ trace: 1_000 + lease, span, at, matches, reservation: id, amounts: { usd } })
        left -= part
      }
      const cut = below(message.length + 1)
      const name = `lease ${lease} ${first}`
      if (cut > 0) later(deliver(`${name} a`, message.slice(0, cut)))
      if (cut < message.length) later(deliver(`${name} b`, message.slice(cut)))
      if (random() < 0.3 && message.length > 0) later(deliver(`${name} all`, message))
    }
    let answered = false
    later(
      takeLease(`lease ${lease}`, user, asked, (id) => {
        if (answered) return
        answered = true
        const { granted } = leases.get(id) as ModelLease
        const used = BigInt(below(Number(granted) + 1))
        if (random() < 0.9) spend(id, 1, used)
        if (random() < 0.5) {
          const more = asked + BigInt(below(20))
          let grown = false
          later(
            takeLease(`lease ${lease}`, user, more, () => {
              if (!grown && random() < 0.5) spend(id, 100, BigInt(below(10)))
              grown = true
            }),
          )
        }
        if (random() < 0.5) later(returnLease(id, used))
      }),
    )
  }
  if (random() < 0.3) {
    later(async () => {
      const budget = pick(budgets)
      const limit = BigInt(20 + below(100))
      // What was let through under a higher limit was let through.
      if (limit < budget.limit) excess.set(budget.id, (excess.get(budget.id) ?? 0n) + budget.limit - limit)
      budget.limit = limit
      await put(budget)
    }, false)
  }

  const done: Step[] = []
  for (let steps = 0; waiting.length > 0 && steps < MAX_STEPS; steps++) {
    const step = waiting.splice(below(waiting.length), 1)[0] as Step
    if (random() < 0.3) clock.now += pick([10, 1_000, 20_000, 40_000, 3_600_000])
    if (step.repeats && random() < 0.1) {
      waiting.push(step)
      continue
    }
    await insist(step.run)
    done.push(step)
    if (step.repeats && random() < 0.15) waiting.push(step)
    if (steps % checkEvery === 0) await check()
  }

  await check()
  clock.now += TTL_MS
  for (const budget of budgets) {
    const { position } = await ledger.get(project, budget.id)
    expect(position.reserved).toBe(0n)
  }
  const before = await sums()
  for (const step of done) if (step.repeats && random() < 0.5) await insist(step.run)
  clock.now += TTL_MS
  expect((await sums()).handled).toBe(before.handled)
  await check()
  return { admitted, denied }

  async function insist(run: () => Promise<void>): Promise<void> {
    broken = false
    for (;;) {
      try {
        return await run()
      } catch (error) {
        if (!isSpanledgerError(error, 'store/unavailable')) throw error
        broken = true
      }
    }
  }

  async function sums() {
    return { handled: (await ledger.counts(project)).stored }
  }

  /** Ledger and model agree on every sum, and no period has spent more than the bound allows. */
  async function check(): Promise<void> {
    for (const budget of budgets) {
      const { position } = await ledger.get(project, budget.id)
      expect(position.spent).toBe(spentIn(budget, clock.now))
      expect(position.reserved).toBe(heldBy(budget))
      expect(position.spent <= budget.limit + (excess.get(budget.id) ?? 0n)).toBe(true)
    }
    expect((await ledger.counts(project)).stored).toBe(handledSpans)
  }
}
