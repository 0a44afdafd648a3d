import type { TestSpan } from '../../shared/budgets/ledger.fixtures.ts'
import type { Position } from '../../shared/budgets/position.ts'
import { reservationId } from '../../shared/budgets/reservation.ts'
import { isSpanledgerError } from '../../shared/errors.ts'
import { ask, putBudget } from './ask.ts'
import { type Answered, explain } from './explain.ts'
import { applying, type Facts, heldOf, type ModelBudget, type Operation, spentIn, TTL_MS } from './facts.ts'
import { createRandom, type Random } from './random.ts'
import type { World } from './world.ts'

/** Time zones with and without daylight saving. */
const ZONES = ['UTC', 'Europe/Zurich', 'America/New_York', 'Australia/Lord_Howe']
/** Minutes before midnights and transitions in those zones. */
const BEGINNINGS = [
  '2026-05-10T23:58:00Z',
  '2026-03-29T00:58:00Z',
  '2026-10-25T00:58:00Z',
  '2026-03-08T06:58:00Z',
  '2026-11-01T05:58:00Z',
  '2026-10-03T15:28:00Z',
  '2024-02-29T22:58:00Z',
]
const LEAPS_MS = [10, 1_000, 20_000, 40_000, 3_600_000]
const MAX_MOMENTS = 400

interface Step {
  readonly operation: () => Operation | undefined
  /** What follows from its answer. */
  readonly next?: (answer: string) => void
  /** Whether its request or answer may be lost, and it is then sent again. */
  readonly repeats: boolean
}

/** What one schedule did. */
export interface Played {
  readonly admitted: number
  readonly denied: number
  /** Operations that were under way at the same time as another. */
  readonly contended: number
  /** Operations that were broken off and done again. */
  readonly cut: number
}

/**
 * Plays one schedule: clients, clocks and crashes that follow from `seed`. Requests and messages are lost before or after they are
 * carried out, repeated, reordered, re-batched, late and several at once; clocks are skewed; time leaps over expiries, midnights and the
 * changes of daylight saving. Throws where what the ledger answers or adds up is not explained by its having done one after another.
 */
export async function playSchedule(world: World, seed: number): Promise<Played> {
  const { clock } = world
  const random = createRandom(seed)
  const project = `project-${seed}`
  clock.now = Date.parse(random.pick(BEGINNINGS)) + random.below(3 * 60_000)
  let facts = emptyFacts(project, random)
  const played = { admitted: 0, denied: 0, contended: 0, cut: 0 }
  for (const budget of facts.budgets) await insist(() => putBudget(world.ledger(), project, budget))

  const waiting: Step[] = []
  const later = (operation: Operation, next?: Step['next']) =>
    waiting.push({ operation: () => operation, repeats: true, ...(next && { next }) })
  makeCalls()
  makeLeases()
  if (random.chance(0.3)) {
    waiting.push({
      operation: () => ({
        kind: 'limit',
        budget: random.pick(facts.budgets).id,
        limit: BigInt(20 + random.below(100)),
      }),
      repeats: false,
    })
  }

  const done: Step[] = []
  for (let moment = 0; waiting.length > 0 && moment < MAX_MOMENTS; moment++) {
    if (random.chance(0.3)) clock.now += random.pick(LEAPS_MS)
    if (random.chance(0.05)) await world.restart()
    const atOnce = random.chance(0.25) ? 2 + random.below(2) : 1
    const steps = Array.from({ length: Math.min(atOnce, waiting.length) }, () => takeOne())
    // A request that is lost on its way is sent again later.
    const lost = steps.filter(({ repeats }) => repeats && random.chance(0.1))
    waiting.push(...lost)
    await play(steps.filter((step) => !lost.includes(step)))
    if (moment % world.checkEvery === 0) await check()
  }
  await check()
  clock.now += TTL_MS
  for (const { id } of facts.budgets) agree('held at the end', (await positionOf(id)).reserved, 0n)
  // Whatever comes again when all is over changes nothing.
  const { handledSpans } = facts
  for (const step of done.filter(({ repeats }) => repeats && random.chance(0.5))) await play([step])
  clock.now += TTL_MS
  await check()
  agree('spans handled after a replay', facts.handledSpans, handledSpans)
  return played

  function takeOne(): Step {
    return waiting.splice(random.below(waiting.length), 1)[0] as Step
  }

  /** Carries out all of `steps` at once. */
  async function play(steps: readonly Step[]): Promise<void> {
    const asked = steps.flatMap((step) => {
      const operation = step.operation()
      return operation === undefined ? [] : [{ step, operation }]
    })
    if (asked.length > 1) played.contended += asked.length
    const answered = await Promise.all(
      asked.map(async ({ operation }): Promise<Answered> => {
        const ledger = world.ledger()
        const { answer, cuts } = await insist(() => ask(ledger, project, operation, facts.budgets))
        return { operation, answer, cuts }
      }),
    )
    const explained = explain(facts, answered, clock.now)
    if (explained.length === 0) throw new Error(`no order explains ${text(answered)}`)
    facts = explained.length === 1 ? (explained[0] as Facts) : await choose(explained)
    for (const [i, { step, operation }] of asked.entries()) {
      const { answer } = answered[i] as Answered
      if (operation.kind === 'reserve') played[answer === 'denied' ? 'denied' : 'admitted']++
      step.next?.(answer)
      done.push(step)
      if (step.repeats && random.chance(0.15)) waiting.push({ ...step, next: () => {} })
    }
  }

  /** Of several orders that explain the answers one that explains the sums, too. */
  async function choose(explained: readonly Facts[]): Promise<Facts> {
    const positions = new Map<string, Position>()
    for (const { id } of facts.budgets) positions.set(id, await positionOf(id))
    const agreeing = explained.find((after) =>
      after.budgets.every((budget) => {
        const { spent, reserved } = positions.get(budget.id) as Position
        const bound = budget.limit + (after.excess.get(budget.id) ?? 0n)
        const [own, held] = [spentIn(after, budget, clock.now), heldOf(after, budget.id, clock.now)]
        return spent === own && reserved === held && spent <= bound
      }),
    )
    if (agreeing === undefined) throw new Error('no order that explains the answers explains the sums')
    return agreeing
  }

  /** Does it until it is not broken off, and says how often it was. */
  async function insist<T>(work: () => Promise<T>): Promise<{ readonly answer: T; readonly cuts: number }> {
    for (let cuts = 0; ; cuts++) {
      try {
        return { answer: await work(), cuts }
      } catch (error) {
        if (!isSpanledgerError(error, 'store/unavailable')) throw error
        played.cut++
      }
    }
  }

  async function positionOf(id: string): Promise<Position> {
    return (await insist(() => world.ledger().get(project, id))).answer.position
  }

  /** Ledger and model agree on every sum, and no period has spent more than the bound allows. */
  async function check(): Promise<void> {
    for (const budget of facts.budgets) {
      const { spent, reserved } = await positionOf(budget.id)
      agree(`spent of ${budget.id}`, spent, spentIn(facts, budget, clock.now))
      agree(`held of ${budget.id}`, reserved, heldOf(facts, budget.id, clock.now))
      const bound = budget.limit + (facts.excess.get(budget.id) ?? 0n)
      if (spent > bound) throw new Error(`${budget.id} spent ${spent}, beyond the bound of ${bound}`)
    }
    const { answer } = await insist(() => world.ledger().counts(project))
    agree('spans handled', answer.stored, BigInt(facts.handledSpans))
  }

  function makeCalls(): void {
    const calls = 4 + random.below(8)
    for (let call = 1; call <= calls; call++) {
      const user = random.pick(['a', 'b'])
      const estimate = BigInt(1 + random.below(20))
      const actual = random.chance(0.8)
        ? BigInt(random.below(Number(estimate) + 1))
        : estimate + BigInt(random.below(10))
      const made = (reservation: string | undefined) => {
        const matches = applying(facts, user).map(({ id }) => id)
        const common = { trace: call, at: skewed(), matches, ...(reservation !== undefined && { reservation }) }
        const priced: TestSpan = { ...common, span: call, amounts: { usd: actual } }
        const unpriced: TestSpan = { ...priced, amounts: { requests: 1n } }
        if (random.chance(0.2)) deliver(`early ${call}`, [unpriced])
        deliver(`message ${call}`, [priced])
        const other: TestSpan = { ...common, span: 100 + call, amounts: { usd: 1n } }
        if (random.chance(0.3)) deliver(`again ${call}`, [other, priced])
        // What a correction says of a span holds, whether it comes before the span or after it.
        const correction: TestSpan = {
          trace: call,
          span: call,
          at: common.at,
          matches: [],
          revision: 1,
          amounts: { usd: BigInt(random.below(Number(estimate) + 1)) },
          // One that repricing finds says what reservation its span names; others do not.
          ...(reservation !== undefined && random.chance(0.5) && { reservation }),
        }
        if (random.chance(0.2)) deliver(`correction ${call}`, [correction])
      }
      if (random.chance(0.15)) {
        waiting.push({ operation: () => void made(undefined), repeats: false })
        continue
      }
      const key = `call ${call}`
      const id = reservationId(project, key)
      const once = first((answer) => {
        if (answer === 'denied') return
        const fate = random.next()
        if (fate < 0.1) return
        if (fate < 0.2) {
          later({ kind: 'release', id })
          return
        }
        if (fate < 0.7) later({ kind: 'settle', id, amount: actual })
        if (random.chance(0.85)) made(id)
      })
      later({ kind: 'reserve', key, user, amount: estimate }, once)
    }
  }

  function makeLeases(): void {
    const slices = random.below(3)
    for (let slice = 1; slice <= slices; slice++) {
      const key = `lease ${slice}`
      const id = reservationId(project, key, 'lease')
      const user = random.pick(['a', 'b'])
      const amount = BigInt(5 + random.below(40))
      const once = first((answer) => {
        if (answer === 'denied') return
        const { granted } = facts.leases.get(id) ?? { granted: 0n }
        const used = BigInt(random.below(Number(granted) + 1))
        if (random.chance(0.9)) spendLease(id, { slice, user, used, from: 1 })
        if (random.chance(0.5)) {
          const more = amount + BigInt(random.below(20))
          const grown = first(() => {
            if (random.chance(0.5)) spendLease(id, { slice, user, used: BigInt(random.below(10)), from: 100 })
          })
          later({ kind: 'lease', key, user, amount: more }, grown)
        }
        if (random.chance(0.5)) later({ kind: 'return', id, amount: used })
      })
      later({ kind: 'lease', key, user, amount }, once)
    }
  }

  /** Spans of many calls that a lease pays for, in two messages, and sometimes in one more that holds them all. */
  function spendLease(
    reservation: string,
    {
      slice,
      user,
      used,
      from,
    }: { readonly slice: number; readonly user: string; readonly used: bigint; readonly from: number },
  ): void {
    const matches = applying(facts, user).map(({ id }) => id)
    const message: TestSpan[] = []
    let left = used
    for (let span = from; left > 0n; span++) {
      // A call now and then costs more than it was thought to.
      const part = BigInt(1 + random.below(Number(left)))
      const usd = random.chance(0.1) ? part + BigInt(random.below(8)) : part
      message.push({ trace: 1_000 + slice, span, at: skewed(), matches, reservation, amounts: { usd } })
      left -= part
    }
    const cut = random.below(message.length + 1)
    const name = `lease ${slice} ${from}`
    if (cut > 0) deliver(`${name} a`, message.slice(0, cut))
    if (cut < message.length) deliver(`${name} b`, message.slice(cut))
    if (random.chance(0.3) && message.length > 0) deliver(`${name} all`, message)
  }

  function deliver(name: string, message: readonly TestSpan[]): void {
    later({ kind: 'deliver', name, message })
  }

  /** When a span says that it began, by a clock that is seconds off. */
  function skewed(): number {
    return clock.now + random.below(5_000) - 2_500
  }
}

function emptyFacts(project: string, random: Random): Facts {
  const budgets = (['all', 'a'] as const).slice(0, 1 + random.below(2)).map(
    (id): ModelBudget => ({
      id,
      user: id === 'a' ? 'a' : null,
      period: random.pick(['hour', 'day', 'rolling']),
      zone: random.pick(ZONES),
      limit: BigInt(20 + random.below(80)),
    }),
  )
  const none = { reservations: new Map(), leases: new Map(), spans: new Map(), handled: new Set<string>() }
  return { project, budgets, ...none, handledSpans: 0, excess: new Map() }
}

/** `work` for the first answer alone: what comes again was answered before. */
function first(work: (answer: string) => void): (answer: string) => void {
  let answered = false
  return (answer) => {
    if (answered) return
    answered = answer !== 'denied'
    work(answer)
  }
}

function agree<T extends bigint | number>(what: string, actual: T, expected: T): void {
  if (actual !== expected) throw new Error(`${what}: the ledger says ${actual}, the model ${expected}`)
}

function text(answered: readonly Answered[]): string {
  return JSON.stringify(answered, (_key, value) => (typeof value === 'bigint' ? String(value) : value))
}
