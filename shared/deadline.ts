import { setTimeout as sleep } from 'node:timers/promises'

/**
 * What `work` gives, unless that takes longer than `ms`: then rejects with an error that says so. The work itself goes on, and
 * may still be done, as when an answer is lost on its way.
 */
export async function within<T>(ms: number, work: () => Promise<T>): Promise<T> {
  const timer = new AbortController()
  const late = sleep(ms, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`no answer within ${ms} ms`)
  })
  try {
    return await Promise.race([work(), late])
  } finally {
    late.catch(() => {})
    timer.abort()
  }
}
