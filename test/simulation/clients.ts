import { type Amounts, UNITS } from '../../shared/budgets/amount.ts'
import type { Budget, BudgetTerms, Period } from '../../shared/budgets/budget.ts'
import { type TestSpan, termsOf } from '../../shared/budgets/ledger.fixtures.ts'
import { reservationId } from '../../shared/budgets/reservation.ts'
import type { Operation } from './carry-out.ts'
import { applying, type Facts } from './facts.ts'
import type { Random } from './random.ts'

/** Time zones with and without daylight saving. */
const ZONES = ['UTC', 'Europe/Zurich', 'America/New_York', 'Australia/Lord_Howe']
const PERIODS: readonly Period[] = ['hour', 'day', { rollingSeconds: 3_600 }]
/** What a budget may ask instead. */
const QUESTIONS = ({ selector }: BudgetTerms): Partial<BudgetTerms>[] => [
  ...PERIODS.map((period) => ({ period })),
  ...ZONES.map((timeZone) => ({ timeZone })),
  ...UNITS.map((unit) => ({ unit })),
  { selector: selector.user === undefined ? { user: ['a'] } : {} },
]
/** What of a budget people decide. */
const TERMS = Object.keys(termsOf()) as (keyof BudgetTerms)[]

/** Something that is going to be asked, in an order that is drawn. */
export interface Step {
  readonly operation: () => Operation | undefined
  /** What follows from its answer. */
  readonly next?: (answer: string) => void
  /** Whether its request or answer may be lost, and it is then sent again. */
  readonly repeats: boolean
}

export interface ClientOptions {
  readonly random: Random
  readonly clock: { readonly now: number }
  /** As they are known when it is asked. */
  readonly facts: () => Facts
  /** Where their steps wait. */
  readonly waiting: Step[]
}

/** Draws what clients do in a schedule, and those who keep the budgets: calls, leases and changes. */
export function startClients({ random, clock, facts, waiting }: ClientOptions): void {
  const { project } = facts()
  const later = (operation: Operation, next?: Step['next']) =>
    waiting.push({ operation: () => operation, repeats: true, ...(next && { next }) })
  makeCalls()
  makeLeases()
  makeChanges()

  /** Whoever keeps the budgets changes them while calls are under way. */
  function makeChanges(): void {
    const once = (chance: number, operation: (budget: Budget) => Operation) => {
      if (!random.chance(chance)) return
      waiting.push({ operation: () => operation(random.pick(facts().budgets)), repeats: false })
    }
    const change = (to: (terms: BudgetTerms) => Partial<BudgetTerms>) => (budget: Budget) => {
      const terms = termsOf(Object.fromEntries(TERMS.map((name) => [name, budget[name]])))
      return { kind: 'change', budget: budget.id, terms: { ...terms, ...to(terms) } } as const
    }
    once(
      0.3,
      change(() => ({ limit: BigInt(20 + random.below(100)) })),
    )
    once(
      0.1,
      change(() => ({ carryOver: random.pick(['none', 'all', { cap: 10n }] as const) })),
    )
    once(
      0.15,
      change((terms) => random.pick(QUESTIONS(terms))),
    )
    for (let resets = random.below(6) - 2; resets > 0; resets--) once(1, ({ id }) => ({ kind: 'reset', budget: id }))
    for (let given = random.below(6) - 2; given > 0; given--) {
      const grant = `grant ${given}`
      const { id: budget } = random.pick(facts().budgets)
      const amount = BigInt(1 + random.below(40))
      const wait = random.pick([0, 1_000, 10_000])
      const lasts = random.pick([2_000, 60_000, 7_200_000])
      const give = (): Operation => {
        const from = clock.now + wait
        return { kind: 'grant', budget, grant: { id: grant, amount, from, to: from + lasts, note: '' } }
      }
      waiting.push({ operation: give, repeats: true })
      if (random.chance(0.4)) waiting.push({ operation: () => ({ kind: 'revoke', budget, grant }), repeats: true })
    }
  }

  function makeCalls(): void {
    const calls = 4 + random.below(8)
    for (let call = 1; call <= calls; call++) {
      const user = random.pick(['a', 'b'])
      const estimate = BigInt(1 + random.below(20))
      const actual = random.chance(0.8)
        ? BigInt(random.below(Number(estimate) + 1))
        : estimate + BigInt(random.below(10))
      const usage = { tokens: BigInt(random.below(30)), requests: 1n }
      const made = (reservation: string | undefined) => {
        const matches = applying(facts(), user).map(({ id }) => id)
        const common = { trace: call, at: skewed(), matches, ...(reservation !== undefined && { reservation }) }
        const priced: TestSpan = { ...common, span: call, amounts: { usd: actual, ...usage } }
        const unpriced: TestSpan = { ...priced, amounts: usage }
        if (random.chance(0.2)) deliver(`early ${call}`, [unpriced])
        deliver(`message ${call}`, [priced])
        const other: TestSpan = { ...common, span: 100 + call, amounts: { usd: 1n, ...usage } }
        if (random.chance(0.3)) deliver(`again ${call}`, [other, priced])
        // What a correction says of a span holds, whether it comes before the span or after it.
        const correction: TestSpan = {
          trace: call,
          span: call,
          at: common.at,
          matches: [],
          revision: 1,
          amounts: { ...(random.chance(0.9) && { usd: BigInt(random.below(Number(estimate) + 1)) }), ...usage },
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
      later({ kind: 'reserve', key, user, amounts: { usd: estimate, tokens: 20n, requests: 1n } }, once)
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
        const granted = facts().leases.get(id)?.granted.usd ?? 0n
        const used = BigInt(random.below(Number(granted) + 1))
        if (random.chance(0.9)) spendLease(id, { slice, user, used, from: 1 })
        if (random.chance(0.5)) {
          const more = amount + BigInt(random.below(20))
          const grown = first(() => {
            if (random.chance(0.5)) spendLease(id, { slice, user, used: BigInt(random.below(10)), from: 100 })
          })
          later({ kind: 'lease', key, user, amounts: sliceOf(more) }, grown)
        }
        if (random.chance(0.5)) later({ kind: 'return', id, amount: used })
      })
      later({ kind: 'lease', key, user, amounts: sliceOf(amount) }, once)
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
    const matches = applying(facts(), user).map(({ id }) => id)
    const message: TestSpan[] = []
    let left = used
    for (let span = from; left > 0n; span++) {
      // A call now and then costs more than it was thought to.
      const part = BigInt(1 + random.below(Number(left)))
      const usd = random.chance(0.1) ? part + BigInt(random.below(8)) : part
      const amounts = { usd, tokens: usd, requests: 1n }
      message.push({ trace: 1_000 + slice, span, at: skewed(), matches, reservation, amounts })
      left -= part
    }
    const cut = random.below(message.length + 1)
    const name = `lease ${slice} ${from}`
    if (cut > 0) deliver(`${name} a`, message.slice(0, cut))
    if (cut < message.length) deliver(`${name} b`, message.slice(cut))
    if (random.chance(0.3) && message.length > 0) deliver(`${name} all`, message)
    const [corrected] = message
    if (corrected === undefined || random.chance(0.7)) return
    const { usd: _, ...usage } = corrected.amounts
    const amounts = random.chance(0.3) ? usage : { ...usage, usd: BigInt(random.below(10)) }
    deliver(`${name} corrected`, [{ ...corrected, amounts, revision: 1, matches: [] }])
  }

  function deliver(name: string, message: readonly TestSpan[]): void {
    later({ kind: 'deliver', name, message })
  }

  /** When a span says that it began, by a clock that is seconds off. */
  function skewed(): number {
    return clock.now + random.below(5_000) - 2_500
  }
}

/** One budget or two: for all calls, and for those of user `a`. */
export function openBudgets(random: Random): (BudgetTerms & { readonly id: string })[] {
  return (['all', 'a'] as const).slice(0, 1 + random.below(2)).map((id) => ({
    id,
    ...termsOf({
      ...(id === 'a' && { selector: { user: ['a'] } }),
      period: random.pick(PERIODS),
      timeZone: random.pick(ZONES),
      carryOver: random.chance(0.15) ? 'all' : 'none',
      limit: BigInt(20 + random.below(80)),
      thresholds: random.pick([[], [0.5, 1]]),
    }),
  }))
}

/** What a lease of so many USD is for in all units. */
function sliceOf(usd: bigint): Required<Amounts> {
  return { usd, tokens: 2n * usd, requests: usd }
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
