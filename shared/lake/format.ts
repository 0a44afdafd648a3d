import { z } from 'zod'
import { SpanledgerError } from '../errors.ts'
import type { ObjectInfo, ObjectStore } from './object-store.ts'
import type { SpanRow } from './span-columns.ts'

/** Spans of one project in a file, and what became of those that its inputs held and it does not. */
export interface ProjectCounts {
  readonly rows: number
  /** Dropped because the span was there more than once. */
  readonly duplicates: number
  /** Dropped because the project keeps them no longer. */
  readonly expired: number
}

/** What a file of the lake says of itself: a fresh one in its footer, a compacted one in an object beside it. */
export interface FileFacts {
  /** Of the messages whose spans of this partition are in. */
  readonly digests: readonly string[]
  readonly projects: Readonly<Record<string, ProjectCounts>>
  /** Of a compacted file: how many corrections of the hour are in. */
  readonly corrections?: number
}

export const NO_COUNTS: ProjectCounts = { rows: 0, duplicates: 0, expired: 0 }

/** One file made of several. */
export interface MergedFiles {
  /** The parts, in order, each read when it is asked for. */
  readonly parts: readonly (() => Promise<Uint8Array>)[]
  /** Rows by project, in all parts together. */
  readonly rows: ReadonlyMap<string, number>
  /** Frees what the parts occupy. */
  close(): Promise<void>
}

/** A file to merge. */
export interface MergeInput {
  readonly name: string
  read(): Promise<Uint8Array>
}

/** What the lake's files are made of: all that the writer, the compactor and the counts need to know of Parquet. */
export interface LakeFormat {
  /** `rows` in their order as one file that carries `facts`. */
  encode(rows: readonly SpanRow[], facts: FileFacts): Uint8Array
  /** The facts of a file that {@link encode} made. Rejects with `lake/corrupt` naming it. */
  readFacts(store: ObjectStore, file: Pick<ObjectInfo, 'name' | 'size'>): Promise<FileFacts>
  /** Rejects with `lake/corrupt` naming a file that is not whole. Damage in its rows may go unnoticed. */
  check(store: ObjectStore, file: Pick<ObjectInfo, 'name' | 'size'>): Promise<void>
  /** Opens what merges files of this format. */
  openMerger(): LakeMerger
}

/** What is done to rows while they are merged. */
export interface MergeScope {
  /** Projects whose rows are left out. */
  readonly drop: ReadonlySet<string>
  /** Files of corrected ledgers, which replace earlier ones. */
  readonly corrections: readonly MergeInput[]
}

/** Merges files of one partition after the other, one at a time. What it needs is made for the first merge and kept for the next. */
export interface LakeMerger {
  /**
   * Merges files: sorted, of each (project, trace, span) one row. Of two rows of a span the one that ends later stays; of two that
   * end together, the one of the greater digest. Rejects with `lake/corrupt` naming the file. The merged files are there until the
   * merger is closed.
   */
  merge(inputs: readonly MergeInput[], scope: MergeScope): Promise<MergedFiles>
  close(): Promise<void>
}

const schema = z.object({
  digests: z.array(z.string()),
  projects: z.record(z.string(), z.object({ rows: z.number(), duplicates: z.number(), expired: z.number() })),
  corrections: z.number().exactOptional(),
})

export function formatFacts(facts: FileFacts): string {
  return JSON.stringify(facts)
}

/** The inverse of {@link formatFacts}; throws `lake/corrupt` naming `file`. */
export function parseFacts(text: string, file: string): FileFacts {
  try {
    return schema.parse(JSON.parse(text))
  } catch (cause) {
    throw new SpanledgerError('lake/corrupt', `${file} was not written by spanledger: move it out of the lake`, {
      cause,
    })
  }
}

/** Adds the counts of one file to those of others. */
export function addCounts(total: Map<string, ProjectCounts>, projects: FileFacts['projects']): void {
  for (const [project, counts] of Object.entries(projects)) {
    const before = total.get(project) ?? NO_COUNTS
    total.set(project, {
      rows: before.rows + counts.rows,
      duplicates: before.duplicates + counts.duplicates,
      expired: before.expired + counts.expired,
    })
  }
}
