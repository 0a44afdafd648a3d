import { TOPICS, type Topic } from './bus.ts'

/** Wakes the consumers of a topic across threads: one counter a topic in shared memory, bumped by each publish. */
export type Doorbell = Int32Array<SharedArrayBuffer>

export function createDoorbell(): Doorbell {
  return new Int32Array(new SharedArrayBuffer(TOPICS.length * Int32Array.BYTES_PER_ELEMENT))
}

/** Tells every waiting consumer of `topic` to look. */
export function ring(doorbell: Doorbell, topic: Topic): void {
  const slot = TOPICS.indexOf(topic)
  Atomics.add(doorbell, slot, 1)
  Atomics.notify(doorbell, slot)
}

/** The count of rings so far, to be taken before looking, and passed to {@link untilRung} when nothing was found. */
export function rings(doorbell: Doorbell, topic: Topic): number {
  return Atomics.load(doorbell, TOPICS.indexOf(topic))
}

/** Resolves at the first ring after `seen`, after `timeoutMs`, or when `signal` is aborted. */
export async function untilRung(
  doorbell: Doorbell,
  topic: Topic,
  options: { readonly seen: number; readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const { seen, timeoutMs, signal } = options
  if (signal.aborted) return
  const slot = TOPICS.indexOf(topic)
  const wait = Atomics.waitAsync(doorbell, slot, seen, timeoutMs)
  if (!wait.async) return
  // A waitAsync cannot be cancelled; ringing ourselves ends it, and waking the others for nothing is harmless.
  const wake = () => Atomics.notify(doorbell, slot)
  signal.addEventListener('abort', wake, { once: true })
  try {
    await wait.value
  } finally {
    signal.removeEventListener('abort', wake)
  }
}
