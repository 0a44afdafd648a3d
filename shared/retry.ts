import { setTimeout as sleep } from 'node:timers/promises'

/** How often and how long to try; times in milliseconds. */
export interface RetryOptions {
  /** Tries in all. @defaultValue 5 */
  readonly attempts?: number
  /** Longest wait before the second try; doubled before each later one. @defaultValue 200 */
  readonly delayMs?: number
  /** Longest wait before any try. @defaultValue 8,000 */
  readonly maxDelayMs?: number
  /** After which no further try is begun, from the first on. @defaultValue 45,000 */
  readonly totalMs?: number
  /** Replaced in tests. */
  readonly random?: () => number
}

/**
 * Repeats `operation` while it rejects with what `isTransient` accepts, then rejects with the last error. Waits a random time
 * within an exponential bound, so that callers who failed together do not come back together.
 */
export async function retrying<T>(
  operation: () => Promise<T>,
  isTransient: (error: unknown) => boolean,
  options: RetryOptions = {},
): Promise<T> {
  const { attempts = 5, delayMs = 200, maxDelayMs = 8_000, totalMs = 45_000, random = Math.random } = options
  const end = performance.now() + totalMs
  for (let attempt = 1; ; attempt++) {
    try {
      return await operation()
    } catch (error) {
      const pause = Math.min(maxDelayMs, delayMs * 2 ** (attempt - 1)) * random()
      if (attempt >= attempts || performance.now() + pause > end || !isTransient(error)) throw error
      await sleep(pause)
    }
  }
}
