import { Hono } from 'hono'
import type { DeliverOptions } from '../../shared/bus/pubsub-settle.ts'
import type { PubsubSource } from '../../shared/bus/pubsub-source.ts'
import { describeError } from '../../shared/errors.ts'
import type { Compactor } from '../../shared/lake/compactor.ts'
import { planRetention, type RetentionOptions, retain } from '../../shared/lake/retention.ts'

export interface LakeScheduleOptions extends Omit<DeliverOptions, 'subscription'> {
  readonly source: Pick<PubsubSource, 'drain'>
  readonly compactor: Compactor
  /** What is kept, and where. */
  readonly retention: Omit<RetentionOptions, 'now'>
  /** Payload bytes that are made into files at a time. */
  readonly maxBytes: number
  /** How long one run of the writer goes on pulling, in milliseconds. @defaultValue 240,000 */
  readonly runMs?: number
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

const MAX_MESSAGES = 5_000
/** In this hour of the day, UTC, the whole lake is looked at; in all others what came or was compacted since yesterday. */
const WHOLE_HOUR = 3
const RECENT_DAYS = 2

/**
 * What a schedule asks of the lake: `POST /write` makes files of what waits, `POST /compact` makes one file of each closed hour. Once a day, or with
 * `?all`, the latter looks at all hours that there are, and deletes what has expired. Answers with what was done, by 503 when some of it is to be tried again; the next run does what this one left.
 */
export function createLakeSchedule(options: LakeScheduleOptions): Hono {
  const { source, compactor, retention, maxBytes, runMs = 240_000, now = Date.now, log } = options
  const app = new Hono()
  app.post('/write', async (c) => {
    const deadline = now() + runMs
    const report = await source.drain({ ...options, maxMessages: MAX_MESSAGES, maxBytes, deadline, now })
    log?.info(report, 'wrote the lake')
    return c.json(report)
  })
  app.post('/compact', async (c) => {
    const whole = new Date(now()).getUTCHours() === WHOLE_HOUR || c.req.query('all') !== undefined
    const plan = whole ? await planRetention({ ...retention, now: now() }) : { steps: [], failed: {} }
    const unexpired = await retain(plan.steps, { store: retention.store, compactor })
    const { merged, published, cleaned, failed } = await compactor.run(whole ? {} : { days: RECENT_DAYS })
    const report = {
      merged: merged.length,
      published: published.length,
      cleaned: cleaned.length,
      expired: plan.steps.length,
      failed: { ...plan.failed, ...unexpired, ...failed },
    }
    log?.info(report, 'compacted the lake')
    // What is left is not done by the next run either: whoever watches the answers is to hear of it.
    return c.json(report, Object.keys(report.failed).length > 0 ? 503 : 200)
  })
  app.onError((error, c) => {
    log?.error({ err: error }, 'a scheduled run failed')
    return c.json({ error: describeError(error) }, 503)
  })
  return app
}
