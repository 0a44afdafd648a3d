/** A call that is under way: what it holds until it ends, and the bucket that it is then spent in. */
export interface RunningCall {
  /** Milliseconds since 1970. */
  readonly end: number
  readonly bucket: number
  readonly amount: bigint
}

/** Calls under way. Adding one and ending one take the logarithm of how many there are: a span may say that it never ends. */
export interface RunningCalls {
  /** What all of them hold. */
  readonly held: bigint
  add(call: RunningCall): void
  /** Takes out those that have ended by `now`. */
  endBy(now: number): RunningCall[]
}

export function createRunningCalls(): RunningCalls {
  /** A heap: no call ends before the one at half its place. */
  const calls: RunningCall[] = []
  let held = 0n

  const endsBefore = (a: number, b: number) => calls[a]!.end < calls[b]!.end
  const swap = (a: number, b: number) => {
    const call = calls[a]!
    calls[a] = calls[b]!
    calls[b] = call
  }
  const takeFirst = () => {
    swap(0, calls.length - 1)
    const first = calls.pop()!
    for (let at = 0; ; ) {
      const [left, right] = [2 * at + 1, 2 * at + 2]
      let least = at
      if (left < calls.length && endsBefore(left, least)) least = left
      if (right < calls.length && endsBefore(right, least)) least = right
      if (least === at) return first
      swap(at, least)
      at = least
    }
  }

  return {
    get held() {
      return held
    },
    add(call) {
      held += call.amount
      let at = calls.push(call) - 1
      for (let above = (at - 1) >> 1; at > 0 && endsBefore(at, above); above = (at - 1) >> 1) {
        swap(at, above)
        at = above
      }
    },
    endBy(now) {
      const ended: RunningCall[] = []
      while (calls.length > 0 && calls[0]!.end <= now) ended.push(takeFirst())
      for (const { amount } of ended) held -= amount
      return ended
    },
  }
}
