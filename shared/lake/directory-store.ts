import { randomUUID } from 'node:crypto'
import { link, mkdir, open, readdir, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { SpanledgerError } from '../errors.ts'
import { checkObjectName, type ObjectInfo, type ObjectStore } from './object-store.ts'

/** Holds files that are being written; never listed. */
const SCRATCH = '.tmp'
/** A scratch file older than this, in milliseconds, was left by a process that died. */
const SCRATCH_AGE = 60 * 60 * 1000

/**
 * An {@link ObjectStore} in a directory, which is made when missing. Whole objects appear at once or not at all, and survive a power cut
 * once acknowledged. Any number of processes may use the directory at the same time.
 */
export function openDirectoryStore(root: string): ObjectStore {
  let prepared: Promise<void> | undefined
  const prepare = () => {
    prepared ??= prepareScratch(root)
    return prepared.catch((error) => {
      prepared = undefined
      throw failure(error, 'open', root)
    })
  }

  return {
    async putIfAbsent(name, data) {
      checkObjectName(name)
      await prepare()
      const path = join(root, name)
      const scratch = join(root, SCRATCH, randomUUID())
      try {
        await writeDurably(scratch, data).catch(async (error) => {
          if (errno(error) !== 'ENOENT') throw error
          // Somebody has removed the directory.
          prepared = undefined
          await prepare()
          await writeDurably(scratch, data)
        })
        await makeDirectory(dirname(path), root)
        // Unlike a rename, a link never replaces what is there.
        await link(scratch, path).catch((cause) => {
          if (errno(cause) !== 'EEXIST') throw cause
          throw new SpanledgerError('lake/exists', `${path} is there already`, { cause })
        })
        await syncDirectory(dirname(path))
      } catch (error) {
        throw failure(error, 'write', path)
      } finally {
        await rm(scratch, { force: true })
      }
    },

    async read(name, range) {
      checkObjectName(name)
      const path = join(root, name)
      try {
        await using file = await open(path)
        const { size } = await file.stat()
        const start = Math.min(range?.start ?? 0, size)
        const data = Buffer.allocUnsafe(Math.min(range?.end ?? size, size) - start)
        let done = 0
        while (done < data.length) {
          const { bytesRead } = await file.read(data, done, data.length - done, start + done)
          if (bytesRead === 0) throw new SpanledgerError('lake/corrupt', `${path} was cut short while it was read`)
          done += bytesRead
        }
        return data
      } catch (error) {
        if (errno(error) !== 'ENOENT') throw failure(error, 'read', path)
        throw new SpanledgerError('lake/not-found', `${path} is not there`, { cause: error })
      }
    },

    list: (prefix, { from = '' } = {}) => listDirectory(root, '', { prefix, from }),

    async delete(name) {
      checkObjectName(name)
      const path = join(root, name)
      try {
        await rm(path)
        await syncDirectory(dirname(path))
      } catch (error) {
        if (errno(error) !== 'ENOENT') throw failure(error, 'delete', path)
      }
    },
  }
}

interface Wanted {
  readonly prefix: string
  readonly from: string
}

async function* listDirectory(root: string, directory: string, wanted: Wanted): AsyncGenerator<ObjectInfo> {
  const { prefix, from } = wanted
  const path = join(root, directory)
  const entries = await readdir(path, { withFileTypes: true }).catch((error) => {
    if (errno(error) === 'ENOENT') return []
    throw failure(error, 'list', path)
  })
  // A directory sorts as its name with the slash, which is how its objects' names go on.
  const names = entries
    .map((entry) => (entry.isDirectory() ? `${directory}${entry.name}/` : `${directory}${entry.name}`))
    .sort()
  for (const name of names) {
    if (name === `${SCRATCH}/` || (name < from && !from.startsWith(name))) continue
    if (name.endsWith('/')) {
      if (name.startsWith(prefix) || prefix.startsWith(name)) yield* listDirectory(root, name, wanted)
    } else if (name.startsWith(prefix) && name >= from) {
      const info = await stat(join(root, name)).catch((error) => {
        if (errno(error) === 'ENOENT') return undefined
        throw failure(error, 'list', join(root, name))
      })
      if (info !== undefined) yield { name, size: info.size, updatedAt: Math.floor(info.mtimeMs) }
    }
  }
}

async function prepareScratch(root: string): Promise<void> {
  const scratch = join(root, SCRATCH)
  await mkdir(scratch, { recursive: true })
  for (const name of await readdir(scratch)) {
    const path = join(scratch, name)
    const age = await stat(path).then(
      (info) => Date.now() - info.mtimeMs,
      () => 0,
    )
    if (age > SCRATCH_AGE) await rm(path, { force: true })
  }
}

async function writeDurably(path: string, data: Uint8Array): Promise<void> {
  await using file = await open(path, 'wx')
  await file.writeFile(data)
  await file.sync()
}

/** Makes `path` below `root`, and each new directory's name durable in its parent. */
async function makeDirectory(path: string, root: string): Promise<void> {
  const first = await mkdir(path, { recursive: true })
  if (first === undefined) return
  for (let made = path; made !== root && made.length >= first.length; made = dirname(made)) {
    await syncDirectory(dirname(made))
  }
}

async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, 'r')
  await directory.sync()
}

const REASONS: Record<string, string> = {
  ENOSPC: 'the disk is full; free some space',
  EDQUOT: 'the disk quota is used up; free some space',
  EACCES: 'permission denied; let this user read and write it',
  EPERM: 'permission denied; let this user read and write it',
  EEXIST: 'a file is in the way of a directory; move it away',
  ENOTDIR: 'a file is in the way of a directory; move it away',
  EROFS: 'the file system is read-only',
  EMFILE: 'too many open files; raise the limit',
}

function failure(error: unknown, action: string, path: string): SpanledgerError {
  if (error instanceof SpanledgerError) return error
  const code = errno(error)
  const reason = REASONS[code ?? ''] ?? 'the file system refused'
  return new SpanledgerError('lake/unavailable', `cannot ${action} ${path}: ${reason} (${code ?? 'unknown'})`, {
    cause: error,
  })
}

function errno(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
