/** Does `work` when all that was asked for before it under any of its `keys` has ended, however it ended. */
export type InTurn = <T>(keys: readonly string[], work: () => Promise<T>) => Promise<T>

/** Work that shares a key is done in the order it was asked for, one after the other; all else at once. */
export function createTurns(): InTurn {
  const last = new Map<string, Promise<unknown>>()
  return async (keys, work) => {
    const earlier = Promise.all(keys.map((key) => last.get(key)))
    const done = earlier.then(work)
    const ended = done.then(
      () => {},
      () => {},
    )
    for (const key of keys) last.set(key, ended)
    try {
      return await done
    } finally {
      for (const key of keys) if (last.get(key) === ended) last.delete(key)
    }
  }
}
