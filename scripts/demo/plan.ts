import { AGENTS } from './agents.ts'
import { createRandom, type Random } from './random.ts'
import type { PlannedSpan } from './spans.ts'

export interface PlannedTrace {
  readonly service: string
  readonly root: PlannedSpan
}

export interface PlanOptions {
  readonly traces: number
  readonly seed: number
  /** Milliseconds since 1970: the traces are in the `hours` before it. */
  readonly now: number
  readonly hours: number
}

const HOUR_MS = 3_600_000
/** Longer than any trace takes: none may end in the future. */
const MARGIN_MS = 3 * 60_000
const SESSION_MS = 12 * HOUR_MS
const USERS = ['ana', 'ben', 'chidi', 'dana', 'emre', 'fatou']
/** Each agent as often as its weight says. */
const TURNS = AGENTS.flatMap((agent) => Array.from({ length: agent.weight }, () => agent))

/** The demo's traffic, oldest first. What is asked and used is the same for a seed at any time. Every agent acts in the first few. */
export function planTraces({ traces, seed, now, hours }: PlanOptions): PlannedTrace[] {
  const times = createRandom(seed + 1)
  const starts = Array.from({ length: traces }, () => startTime(times, now, hours)).sort((a, b) => a - b)
  // A sequence of its own: how many values the times take depends on the hour of the day.
  const random = createRandom(seed)
  return starts.map((start, index) => {
    const { service, act } = AGENTS[index] ?? random.pick(TURNS)
    const user = random.pick(USERS)
    // A session is what one user does in one service within half a day.
    const session = `${service}-${user}-${Math.floor(start / SESSION_MS).toString(36)}`
    return { service, root: act({ random, user, session, now: start }) }
  })
}

/** More by day than by night (UTC). */
function startTime(random: Random, now: number, hours: number): number {
  for (;;) {
    const start = Math.floor(now - MARGIN_MS - random.next() * (hours * HOUR_MS - MARGIN_MS))
    const hour = (start / HOUR_MS) % 24
    if (random.chance(0.55 - 0.45 * Math.cos(((hour - 2) / 24) * 2 * Math.PI))) return start
  }
}
