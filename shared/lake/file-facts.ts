import { z } from 'zod'
import { SpanledgerError } from '../errors.ts'
import type { ObjectInfo, ObjectStore } from './object-store.ts'
import { readFileMetadata } from './parquet/footer.ts'

const KEY = 'spanledger'

const facts = z.object({
  digests: z.array(z.string()).default([]),
  projects: z.record(z.string(), z.object({ rows: z.number(), duplicates: z.number().default(0) })),
})

/** What a file of the lake says of itself in its footer, under the key `spanledger`. */
export interface FileFacts {
  /** Of the messages whose spans of this partition it holds. Those of a compacted file are listed in an object of their own. */
  readonly digests: readonly string[]
  /** By project: rows in the file, and rows that its inputs had in excess because they held a span more than once. */
  readonly projects: Readonly<Record<string, { readonly rows: number; readonly duplicates: number }>>
}

/** The footer's key-value pairs that carry `value`. */
export function factsMetadata(value: FileFacts): Record<string, string> {
  return { [KEY]: JSON.stringify(value) }
}

/** Reads a file's facts. Rejects with `lake/corrupt` when it is broken or none of ours. */
export async function readFacts(store: ObjectStore, file: Pick<ObjectInfo, 'name' | 'size'>): Promise<FileFacts> {
  const text = (await readFileMetadata(store, file)).get(KEY)
  try {
    return facts.parse(JSON.parse(text ?? ''))
  } catch (cause) {
    throw new SpanledgerError('lake/corrupt', `${file.name}: not written by spanledger; move it out of the lake`, {
      cause,
    })
  }
}
