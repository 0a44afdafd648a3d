import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'

/** A directory of one's own, for a while. */
export interface Scratch {
  readonly path: string
  /** Removes it with all that is in it. */
  close(): Promise<void>
}

const open = new Set<string>()

/**
 * Makes a directory below `parent` whose name begins with `name`. It carries the process in its name: what a process of this host
 * left below `parent` when it was killed is removed first.
 */
export async function openScratch(parent: string, name: string): Promise<Scratch> {
  const own = `${name}-${hostname()}-`
  for (const entry of await readdir(parent)) {
    if (!entry.startsWith(own)) continue
    const path = join(parent, entry)
    const owner = /^(\d+)-/.exec(entry.slice(own.length))?.[1]
    if (owner !== undefined && !isInUse(path, Number(owner))) await rm(path, { recursive: true, force: true })
  }
  const path = await mkdtemp(join(parent, `${own}${process.pid}-`))
  open.add(path)
  return {
    path,
    async close() {
      await rm(path, { recursive: true, force: true })
      open.delete(path)
    },
  }
}

function isInUse(path: string, owner: number): boolean {
  // After a restart in a container another process may have had this one's number.
  if (owner === process.pid) return open.has(path)
  try {
    process.kill(owner, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}
