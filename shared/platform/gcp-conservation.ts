import type { Books } from '../books.ts'
import type { Conservation, SinkCounts, SinkReport } from '../conservation.ts'

export interface GcpConservationOptions {
  readonly books: Pick<Books, 'totals'>
  /** What each sink says it holds, by its subscription. */
  readonly sinks: Readonly<Record<string, (project: string) => Promise<SinkCounts>>>
}

/**
 * The books on Google Cloud: what `ingest` took, from its own records, against what every sink holds and what was given up. Of a
 * message that none of them has, whether on its way or lost, the spans are in flight. What a sink has was taken, even while its
 * record is on its way into the books.
 */
export function createGcpConservation({ books, sinks }: GcpConservationOptions): Conservation {
  return async (project) => {
    const names = Object.keys(sinks)
    const [totals, ...counts] = await Promise.all([
      books.totals(project),
      ...Object.values(sinks).map((count) => count(project)),
    ])
    const reports = names.map((name, index): [string, Omit<SinkReport, 'inFlight'>] => {
      const { stored, duplicates, quarantined = 0n, expired = 0n } = counts[index] as SinkCounts
      return [name, { stored, duplicates, quarantined, expired, dead: deadTo(name, totals.dead) }]
    })
    const known = reports.map(([, report]) => knownOf(report))
    const accepted = known.reduce((most, spans) => (spans > most ? spans : most), totals.accepted)
    return {
      projectId: project,
      accepted,
      rejected: totals.rejected,
      sinks: Object.fromEntries(
        reports.map(([name, report], index) => [name, { ...report, inFlight: accepted - known[index]! }]),
      ),
      // What is on its way and what is lost look alike from here.
      balanced: known.every((spans) => spans === accepted),
    }
  }
}

/** What a sink will not get: what it gave up itself, and what never came to it because `price` did. */
function deadTo(
  sink: string,
  dead: Readonly<Record<string, Readonly<Record<string, bigint>>>>,
): Record<string, bigint> {
  const before = Object.entries(dead.price ?? {}).map(([reason, spans]) => [`price: ${reason}`, spans])
  return { ...dead[sink], ...Object.fromEntries(before) }
}

function knownOf({ stored, duplicates, quarantined, expired, dead }: Omit<SinkReport, 'inFlight'>): bigint {
  return Object.values(dead).reduce((sum, spans) => sum + spans, stored + duplicates + quarantined + expired)
}
