import { SUBSCRIPTIONS, type Subscription } from '../bus/bus.ts'
import type { QueueAdmin } from '../bus/sqlite/backlog.ts'
import type { Conservation, ConservationReport, SinkCounts, SinkReport } from '../conservation.ts'

export interface LocalConservationOptions {
  readonly admin: Pick<QueueAdmin, 'intake' | 'backlog' | 'settled'>
  /** What each sink says it holds; a sink that keeps no books counts as having stored what it acknowledged. */
  readonly sinks: Readonly<Partial<Record<Subscription, (project: string) => Promise<SinkCounts>>>>
  readonly subscriptions: readonly Subscription[]
}

/** Reads while spans keep moving: a report whose intake changed meanwhile is taken again, this often at most. */
const TRIES = 4

/** The books of the embedded platform: the queue's intake and backlog against what every sink holds. */
export function createLocalConservation(options: LocalConservationOptions): Conservation {
  return async (project) => {
    let report = await takeReport(project, options)
    for (let attempt = 1; !report.balanced && attempt < TRIES; attempt++) report = await takeReport(project, options)
    return report
  }
}

async function takeReport(
  project: string,
  { admin, sinks, subscriptions }: LocalConservationOptions,
): Promise<ConservationReport> {
  // In the order in which spans move: one that moves meanwhile is counted twice, never missed.
  const { accepted, rejected } = admin.intake(project)
  const upstream = admin.backlog(project, 'price')
  const reports: Record<string, SinkReport> = {}
  for (const name of subscriptions.filter((subscription) => SUBSCRIPTIONS[subscription] === 'priced-spans')) {
    const own = admin.backlog(project, name)
    const counts = await (sinks[name]?.(project) ?? { stored: admin.settled(project, name), duplicates: 0n })
    reports[name] = {
      quarantined: 0n,
      expired: 0n,
      ...counts,
      inFlight: upstream.inFlight + own.inFlight,
      dead: mergeReasons(upstream.dead, own.dead),
    }
  }
  const quiet = admin.intake(project).accepted === accepted
  const balanced = Object.values(reports).every((sink) => holds(accepted, sink, quiet))
  return { projectId: project, accepted, rejected, sinks: reports, balanced }
}

function holds(accepted: bigint, sink: SinkReport, quiet: boolean): boolean {
  const dead = Object.values(sink.dead).reduce((sum, spans) => sum + spans, 0n)
  const taken = sink.stored + sink.duplicates + sink.quarantined + sink.expired
  const known = taken + sink.inFlight + dead
  return quiet && sink.inFlight === 0n ? known === accepted : known >= accepted
}

function mergeReasons(
  price: Readonly<Record<string, bigint>>,
  own: Readonly<Record<string, bigint>>,
): Record<string, bigint> {
  const merged: Record<string, bigint> = { ...own }
  for (const [reason, spans] of Object.entries(price)) merged[`price: ${reason}`] = spans
  return merged
}
