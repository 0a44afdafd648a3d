import { Hono } from 'hono'
import type { BookEntry, Books } from '../../shared/books.ts'
import { bookEntries } from '../../shared/bus/pubsub-books.ts'
import type { PulledMessage } from '../../shared/bus/pubsub-message.ts'
import type { PubsubSource } from '../../shared/bus/pubsub-source.ts'
import { describeError } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'

type Source = Pick<PubsubSource, 'gather' | 'settle'>

export interface BooksOptions {
  /** The records of what `ingest` took, and the dead letters. */
  readonly sources: readonly Source[]
  readonly books: Pick<Books, 'enter'>
  /** What the names of topics and subscriptions start with. */
  readonly prefix: string
  /** What is done once a day: no job of its own, since Google bills for each. Rejects when it is to be looked at. */
  readonly nightly?: () => Promise<void>
  /** How long one run goes on pulling, in milliseconds. @defaultValue 60,000 */
  readonly runMs?: number
  /** Milliseconds since 1970. */
  readonly now?: () => number
  readonly log?: Log
}

/** Dead letters come with what they carried. */
const BOUNDS = { maxMessages: 5_000, maxBytes: 32 * 1024 * 1024 }
/** Every ten minutes there is a run: just one a day begins in the first ten of this hour, UTC. */
const NIGHT_HOUR = 3
const RUNS_EVERY_MS = 600_000
const HOUR_MS = 3_600_000

/**
 * What a schedule asks of the books: `POST /write` enters what was taken, refused and given up since the last run, and only then
 * acknowledges it; once a day it then does what is to be done nightly. Answers with how many messages that were, or 503 when the next run is to do it.
 */
export function createBooksSchedule(options: BooksOptions): Hono {
  const { sources, books, prefix, nightly, runMs = 60_000, now = Date.now, log } = options

  async function write(source: Source, deadline: number): Promise<number> {
    let written = 0
    while (now() < deadline) {
      const messages = await source.gather(BOUNDS)
      if (messages.length === 0) break
      await books.enter(messages.flatMap(read))
      await source.settle(
        messages.map(({ id }) => id),
        'ack',
      )
      written += messages.length
    }
    return written
  }

  /** What nobody of ours sent belongs to no project; as a dead letter it is kept nevertheless. */
  function read(message: PulledMessage): BookEntry[] {
    try {
      return bookEntries(message, prefix)
    } catch (error) {
      log?.warn({ reason: describeError(error) }, 'a message is not in the books')
      return []
    }
  }

  const app = new Hono()
  app.post('/write', async (c) => {
    const begun = now()
    let messages = 0
    for (const source of sources) messages += await write(source, begun + runMs)
    if (messages > 0) log?.info({ messages }, 'wrote the books')
    if (new Date(begun).getUTCHours() === NIGHT_HOUR && begun % HOUR_MS < RUNS_EVERY_MS) await nightly?.()
    return c.json({ messages })
  })
  app.onError((error, c) => {
    log?.error({ err: error }, 'a scheduled run failed')
    return c.json({ error: describeError(error) }, 503)
  })
  return app
}
