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
/** A process that stands still for longer is taken for dead: its machine ends it. */
const LONGEST_SLEEP = 12 * 60 * MINUTE
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
      /** Whether he stands still there instead, as a process does whose machine sleeps; with `everyone`, nobody does. */
      readonly stalls: boolean
    }
  /** Whoever stood still goes on. */
  | { readonly who: 'sleepers' }
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
  // A writer remembers what it has listed until it is killed.
  const createWriter = () => {
    const { store: moved, moveTo } = createMovedStore(store)
    const open = () => createLakeWriter({ store: moved, format, now, log })
    return { moveTo, open, alive: open() }
  }
  const [first, second] = [createWriter(), createWriter()]
  const write = async (writer: typeof first, taken: readonly SpanBatch[], mortal: ObjectStore) => {
    writer.moveTo(mortal)
    const failures = await writer.alive.write(taken)
    for (const [index, batch] of taken.entries()) if (failures[index] === undefined) acknowledged.add(batch)
    const killed = failures.find((failure) => failure !== undefined)
    if (killed !== undefined) writer.alive = writer.open()
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

  let sleepers: { readonly wake: () => void; readonly work: Promise<void>; readonly until: number }[] = []
  const wake = async (those: typeof sleepers) => {
    sleepers = sleepers.filter((sleeper) => !those.includes(sleeper))
    for (const sleeper of those) sleeper.wake()
    await Promise.all(those.map(({ work }) => work))
  }
  /** Lets `work` go on until it ends or falls asleep. */
  const startStalling = async (at: number, work: (through: ObjectStore) => Promise<void>) => {
    const asleep = Promise.withResolvers<void>()
    const awake = Promise.withResolvers<void>()
    const stall = () => {
      asleep.resolve()
      return awake.promise
    }
    const working = work(createMortalStore(store, { at, done: true, observe, stall }))
    sleepers.push({ wake: awake.resolve, work: working, until: clock + LONGEST_SLEEP })
    await Promise.race([working, asleep.promise])
  }

  for (const step of steps) {
    if (step.who === 'clock') {
      await wake(sleepers.filter(({ until }) => clock + step.minutes * MINUTE > until))
      clock += step.minutes * MINUTE
      slow = slow.filter(({ since }) => clock - since < GRACE)
      continue
    }
    if (step.who === 'sleepers') {
      await wake(sleepers)
      observe()
      await Promise.all(checks.splice(0))
      continue
    }
    const names = readable(store)
    slow.push({ names, listing: list(names), since: clock })
    const taken = batches.filter((_, index) => (step.take >> index) % 2 === 1)
    const mortal = () => createMortalStore(store, { at: step.kill, done: step.done, observe })
    if (step.stalls && step.who === 'writer') {
      await startStalling(step.kill, (through) => write(createWriter(), taken, through))
    } else if (step.stalls && step.who === 'compactor') {
      await startStalling(step.kill, async (through) => void (await compact(through, step.take)))
    } else if (step.who === 'writer') await write(first, taken, mortal())
    else if (step.who === 'compactor') await compact(mortal(), step.take)
    else if (step.who === 'retention') await expire(mortal()).catch(ignoreKilled)
    else {
      const both = [write(first, taken, mortal()), write(second, batches, mortal())]
      const parts = [...both, compact(mortal(), step.take), compact(store, 0)]
      await Promise.all([...parts, expire(mortal()).catch(ignoreKilled)])
    }
    observe()
    await Promise.all(checks.splice(0))
  }

  await wake(sleepers)
  slow = []
  await write(first, batches, store)
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

/** A store that is another one each time, as far as its user cannot tell. */
function createMovedStore(first: ObjectStore) {
  let current = first
  const store: ObjectStore = {
    putIfAbsent: (name, data) => current.putIfAbsent(name, data),
    read: (name, range) => current.read(name, range),
    list: (prefix, options) => current.list(prefix, options),
    delete: (name) => current.delete(name),
  }
  return {
    store,
    moveTo: (next: ObjectStore) => {
      current = next
    },
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
