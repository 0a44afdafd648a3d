import { createLog } from '../log.ts'
import type { SpanBatch } from '../warehouse/trace-store.ts'
import { createCompactor } from './compactor.ts'
import { createLakeCounter, type LakeCounts } from './counts.ts'
import type { ObjectStore } from './object-store.ts'
import { readableFiles } from './readable-files.ts'
import { planRetention, retain } from './retention.ts'
import { correct, keyOf, type ObservedFormat, type Row } from './schedules.formats.ts'
import { DAY, HOUR } from './test-spans.ts'
import { createMemoryStore, createMortalStore, Killed, type MemoryStore } from './test-store.ts'
import { createLakeWriter } from './writer.ts'

/** The project whose spans retention deletes, once their hour is over. */
export const EXPIRING = 'expiring'
const POLICY = { projects: { [EXPIRING]: 0 } }

const log = createLog('lake', 'silent')
const MINUTE = 60_000
const GRACE = 15 * MINUTE
const START = Number((DAY + 3n * HOUR) / 1_000_000n)

/** Something happens to the lake; whoever acts is killed at his operation number `kill`, which is still done if `done`. */
export type Step =
  | {
      readonly who: 'writer' | 'compactor' | 'retention' | 'everyone'
      /**
       * Which messages the writer takes, by bit; acknowledged ones too: the bus may deliver anything again. Whether the compactor looks at
       * all days, if even, or at the last one.
       */
      readonly take: number
      readonly kill: number
      readonly done: boolean
    }
  | { readonly who: 'clock'; readonly minutes: number }

/** What a lake holds once all is written, retained and compacted. */
export interface Outcome {
  /** What a plain reader sees. */
  readonly rows: readonly Row[]
  readonly counts: (project: string) => Promise<LakeCounts>
  readonly names: readonly string[]
}

/** What a reader has listed, and what he must find in it. */
interface Listing {
  readonly files: readonly (readonly [name: string, data: Uint8Array | undefined])[]
  readonly corrections: readonly Uint8Array[]
  readonly acknowledged: readonly SpanBatch[]
  /** Whether rows of {@link EXPIRING} may be gone. */
  readonly expired: boolean
}

/**
 * Plays `steps`, then lets everything come to rest. Throws when our reader, one who has listed just now or one who listed less than a
 * grace period ago, sees a row twice, misses one that was acknowledged, or sees an earlier ledger than an acknowledged one.
 */
export async function playSchedule(
  { format, readRows }: ObservedFormat,
  batches: readonly SpanBatch[],
  steps: readonly Step[],
): Promise<Outcome> {
  let clock = START
  const now = () => clock
  const store = createMemoryStore(now)
  const acknowledged = new Set<SpanBatch>()
  let expired = false
  let slow: { readonly names: readonly string[]; readonly listing: Listing; readonly since: number }[] = []
  const checks: Promise<void>[] = []

  const list = (names: readonly string[], before?: Listing): Listing => ({
    files: names.map((name) => [name, store.objects.get(name)?.data]),
    corrections: before?.corrections ?? below(store, 'corrections/').map(({ data }) => data),
    acknowledged: before?.acknowledged ?? [...acknowledged],
    expired: before?.expired ?? expired,
  })
  const observe = () => {
    checks.push(check(list(readable(store)), readRows))
    for (const { names, listing } of slow) checks.push(check(list(names, listing), readRows))
  }
  const write = async (taken: readonly SpanBatch[], mortal: ObjectStore) => {
    const failures = await createLakeWriter({ store: mortal, format, now, log }).write(taken)
    for (const [index, batch] of taken.entries()) if (failures[index] === undefined) acknowledged.add(batch)
    const killed = failures.find((failure) => failure !== undefined)
    if (killed !== undefined && !(killed instanceof Killed)) throw killed
  }
  const compactor = (mortal: ObjectStore) => createCompactor({ store: mortal, format, now, log })
  const compact = (mortal: ObjectStore, take: number) =>
    compactor(mortal)
      .run(take % 2 === 1 ? { days: 1 } : {})
      .catch(ignoreKilled)
  const expire = async (mortal: ObjectStore) => {
    expired = true
    const { steps } = await planRetention({ store: mortal, format, policy: POLICY, now: clock })
    await retain(steps, { store: mortal, compactor: compactor(mortal) })
  }

  for (const step of steps) {
    if (step.who === 'clock') {
      clock += step.minutes * MINUTE
      slow = slow.filter(({ since }) => clock - since < GRACE)
      continue
    }
    const names = readable(store)
    slow.push({ names, listing: list(names), since: clock })
    const taken = batches.filter((_, index) => (step.take >> index) % 2 === 1)
    const mortal = () => createMortalStore(store, { at: step.kill, done: step.done, observe })
    if (step.who === 'writer') await write(taken, mortal())
    else if (step.who === 'compactor') await compact(mortal(), step.take)
    else if (step.who === 'retention') await expire(mortal()).catch(ignoreKilled)
    else {
      const parts = [write(taken, mortal()), compact(mortal(), step.take), write(batches, mortal()), compact(store, 0)]
      await Promise.all([...parts, expire(mortal()).catch(ignoreKilled)])
    }
    observe()
    await Promise.all(checks.splice(0))
  }

  slow = []
  await write(batches, store)
  for (let pass = 0; pass < 9; pass++) {
    clock += 7 * 60 * MINUTE
    await expire(store)
    const { failed } = await compactor(store).run()
    if (Object.keys(failed).length > 0) throw new Error(`not compacted: ${JSON.stringify(failed)}`)
    observe()
    await Promise.all(checks.splice(0))
  }
  return {
    rows: (await Promise.all(below(store, 'traces/').map(({ data }) => readRows(data)))).flat(),
    counts: createLakeCounter({ store, format }),
    names: [...store.objects.keys()],
  }
}

function below(store: MemoryStore, prefix: string) {
  const objects = Array.from(store.objects, ([name, { data, updatedAt }]) => ({
    name,
    size: data.length,
    updatedAt,
    data,
  }))
  return objects.filter(({ name }) => name.startsWith(prefix))
}

/** The files that our reader would read now. */
function readable(store: MemoryStore): string[] {
  return readableFiles(below(store, 'traces/'), below(store, 'compacting/')).map(({ name }) => name)
}

async function check(listing: Listing, readRows: ObservedFormat['readRows']): Promise<void> {
  const rows: Row[] = []
  for (const [name, data] of listing.files) {
    if (data === undefined) throw new Error(`${name} was deleted under a reader`)
    rows.push(...(await readRows(data)))
  }
  const seen = new Set<string>()
  const revisions = new Map<string, number>()
  for (const row of correct(rows, (await Promise.all(listing.corrections.map(readRows))).flat())) {
    const sent = `${row.digest} ${keyOf(row)}`
    if (seen.has(sent)) throw new Error(`${sent} is there twice`)
    seen.add(sent)
    revisions.set(keyOf(row), row.revision)
  }
  for (const { context, spans, corrections = [] } of listing.acknowledged) {
    if (listing.expired && context.project === EXPIRING) continue
    const key = ({ span }: (typeof spans)[number]) =>
      keyOf({ project: context.project, trace: span.traceId, span: span.spanId })
    for (const priced of spans) if (!revisions.has(key(priced))) throw new Error(`${key(priced)} is lost`)
    for (const priced of corrections) {
      const revision = revisions.get(key(priced)) ?? Number.POSITIVE_INFINITY
      if (revision < priced.ledger.revision) throw new Error(`the correction of ${key(priced)} is lost`)
    }
  }
}

function ignoreKilled(error: unknown): void {
  if (!(error instanceof Killed)) throw error
}
