import type { Conservation, SinkCounts, SinkReport } from '../conservation.ts'

/**
 * The books on Google Cloud, where Pub/Sub keeps none by tenant: each sink gets every message, so what one of them has received
 * was accepted, and what another lacks of it is on its way there, or waits in the dead-letter topic. What is refused at the
 * edge is told to the client and logged, not counted.
 */
export function createGcpConservation(
  sinks: Readonly<Record<string, (project: string) => Promise<SinkCounts>>>,
): Conservation {
  return async (project) => {
    const names = Object.keys(sinks)
    const counts = await Promise.all(Object.values(sinks).map((count) => count(project)))
    const received = counts.map(
      ({ stored, duplicates, quarantined = 0n, expired = 0n }) => stored + duplicates + quarantined + expired,
    )
    const accepted = received.reduce((most, count) => (count > most ? count : most), 0n)
    const reports = counts.map(
      ({ stored, duplicates, quarantined = 0n, expired = 0n }, index): [string, SinkReport] => [
        names[index] as string,
        { stored, duplicates, quarantined, expired, inFlight: accepted - (received[index] as bigint), dead: {} },
      ],
    )
    // What is on its way and what is lost look alike from here: the books are balanced once no sink lacks what another has.
    const balanced = reports.every(([, { inFlight }]) => inFlight === 0n)
    return { projectId: project, accepted, rejected: {}, sinks: Object.fromEntries(reports), balanced }
  }
}
