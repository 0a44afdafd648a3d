import { newBudget } from '../../shared/budgets/budget.ts'
import type { Position } from '../../shared/budgets/position.ts'
import { isSpanledgerError } from '../../shared/errors.ts'
import { ask } from './ask.ts'
import { openBudgets, type Step, startClients } from './clients.ts'
import { type Answered, explain } from './explain.ts'
import { type Facts, TTL_MS } from './facts.ts'
import { alertsOf, disagreement, distinct } from './possible.ts'
import { createRandom } from './random.ts'
import { INSTANCES, type World } from './world.ts'

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
/** An alert that another instance has raised is seen after so long, in milliseconds. */
const LOOK_MS = 60_000

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
  let facts = emptyFacts(project)
  /** What may have happened: operations of one moment may have been carried out in several orders. */
  let possible: readonly Facts[] = [facts]
  const played = { admitted: 0, denied: 0, contended: 0, cut: 0 }
  for (const { id, ...terms } of openBudgets(random)) {
    await insist(() => world.ledger().put(project, id, terms, ''))
    facts.budgets.push(newBudget(project, id, terms, clock.now))
  }

  const waiting: Step[] = []
  startClients({ random, clock, facts: () => facts, waiting })

  const done: Step[] = []
  const told = new Set<string>()
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
  clock.now += LOOK_MS
  await hearAlerts()
  for (const id of alertsOf(facts, clock.now)) if (!told.has(id)) throw new Error(`nobody was told of alert ${id}`)
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
        const { answer, cuts } = await insist(() => ask(ledger, project, { operation, now: clock.now }))
        return { operation, answer, cuts }
      }),
    )
    const explained = distinct(possible.flatMap((before) => explain(before, answered, clock.now)))
    if (explained.length === 0) throw new Error(`no order explains ${text(answered)}`)
    await follow(explained)
    for (const [i, { step, operation }] of asked.entries()) {
      const { answer } = answered[i] as Answered
      if (operation.kind === 'reserve') played[answer === 'denied' ? 'denied' : 'admitted']++
      step.next?.(answer)
      done.push(step)
      if (step.repeats && random.chance(0.15)) waiting.push({ ...step, next: () => {} })
    }
  }

  /** What of `explained` the ledger's sums are explained by, too. */
  async function follow(explained: readonly Facts[], compare = explained.length > 1): Promise<void> {
    possible = explained
    if (compare) {
      const positions = new Map<string, Position>()
      for (const { id } of facts.budgets) positions.set(id, await positionOf(id))
      possible = explained.filter((after) => disagreement(after, positions, clock.now) === undefined)
      if (possible.length === 0) throw new Error(disagreement(explained[0] as Facts, positions, clock.now))
    }
    facts = possible[0] as Facts
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
    await follow(possible, true)
    const { answer } = await insist(() => world.ledger().counts(project))
    agree('spans handled', answer.stored, BigInt(facts.handledSpans))
    await hearAlerts()
  }

  /** Takes the alerts that are due, of whichever instance: each is due once. */
  async function hearAlerts(): Promise<void> {
    for (let silent = 0; silent < INSTANCES; ) {
      const due = await insist(() => world.ledger().dueAlerts(100))
      silent = due.answer.length === 0 ? silent + 1 : 0
      for (const { id } of due.answer) {
        if (told.has(id)) throw new Error(`alert ${id} was due twice`)
        told.add(id)
      }
      if (silent === 0) await insist(() => world.ledger().alertsPublished(due.answer.map(({ id }) => id)))
    }
  }
}

function emptyFacts(project: string): Facts {
  const none = { reservations: new Map(), leases: new Map(), claims: new Map(), taken: [] }
  const sets = { given: new Set<string>(), handled: new Set<string>() }
  return { project, budgets: [], ...none, ...sets, handledSpans: 0, excess: new Map() }
}

function agree<T extends bigint | number>(what: string, actual: T, expected: T): void {
  if (actual !== expected) throw new Error(`${what}: the ledger says ${actual}, the model ${expected}`)
}

function text(answered: readonly Answered[]): string {
  return JSON.stringify(answered, (_key, value) => (typeof value === 'bigint' ? String(value) : value))
}
