import { zstdDecompressSync } from 'node:zlib'
import { parquetReadObjects } from 'hyparquet'
import { type FileFacts, type LakeFormat, type LakeMerger, type MergeInput, parseFacts } from './format.ts'
import { createParquetFormat } from './parquet-format.ts'
import type { SpanRow } from './span-columns.ts'

/** What a schedule looks at in a row. */
export interface Row {
  readonly project: string
  readonly trace: string
  readonly span: string
  /** Nanoseconds. */
  readonly duration: number
  readonly digest: string
  readonly revision: number
  readonly cost: string
}

/** A format of the lake's files, and how to look into one. */
export interface ObservedFormat {
  readonly format: LakeFormat
  readRows(data: Uint8Array): Promise<readonly Row[]>
}

const PART_ROWS = 2

/**
 * Files as JSON, and a merge of a few lines: with it the protocol is tried tens of thousands of times. That Parquet files keep
 * what is put into them is tested elsewhere.
 */
export function createJsonFormat(): ObservedFormat {
  const known = new WeakMap<Uint8Array, readonly Row[]>()
  const rowsOf = (data: Uint8Array) => {
    const rows = known.get(data) ?? (JSON.parse(Buffer.from(data).toString()) as { rows: Row[] }).rows
    known.set(data, rows)
    return rows
  }
  const readAll = async (inputs: readonly MergeInput[]) =>
    (await Promise.all(inputs.map(async (input) => rowsOf(await input.read())))).flat()
  const merge: LakeMerger['merge'] = async (inputs, { drop, corrections }) => {
    const winners = new Map<string, Row>()
    for (const row of await readAll(inputs)) {
      const other = winners.get(keyOf(row))
      if (!drop.has(row.project) && (other === undefined || beats(row, other))) winners.set(keyOf(row), row)
    }
    const rows = correct([...winners.values()], await readAll(corrections))
    const parts = Array.from({ length: Math.ceil(rows.length / PART_ROWS) }, (_, part) => async () => {
      return Buffer.from(JSON.stringify({ rows: rows.slice(part * PART_ROWS, (part + 1) * PART_ROWS) }))
    })
    const counts = Map.groupBy(rows, ({ project }) => project)
    return {
      parts,
      rows: new Map(Array.from(counts, ([project, group]) => [project, group.length])),
      close: async () => {},
    }
  }
  const format: LakeFormat = {
    encode: (rows, facts) => Buffer.from(JSON.stringify({ rows: rows.map(toRow), facts })),
    async readFacts(store, file): Promise<FileFacts> {
      const { facts } = JSON.parse(Buffer.from(await store.read(file.name)).toString())
      return parseFacts(JSON.stringify(facts), file.name)
    },
    check: async (store, file) => void rowsOf(await store.read(file.name)),
    openMerger: () => ({ merge, close: async () => {} }),
  }
  return { format, readRows: async (data) => rowsOf(data) }
}

/** The files that are really written. */
export function createObservedParquet(): ObservedFormat {
  const known = new WeakMap<Uint8Array, readonly Row[]>()
  return {
    format: createParquetFormat({ memory: 128 * 1024 * 1024 }),
    async readRows(data) {
      const rows = known.get(data) ?? (await readParquet(data))
      known.set(data, rows)
      return rows
    },
  }
}

async function readParquet(data: Uint8Array): Promise<Row[]> {
  const rows = await parquetReadObjects({
    file: Uint8Array.from(data).buffer,
    columns: ['ProjectId', 'TraceId', 'SpanId', 'Duration', 'Digest', 'LedgerRevision', 'CostPicoUsd'],
    compressors: { ZSTD: (bytes) => new Uint8Array(zstdDecompressSync(bytes)) },
  })
  return rows.map((row) => ({
    project: row.ProjectId,
    trace: row.TraceId,
    span: row.SpanId,
    duration: Number(row.Duration),
    digest: row.Digest,
    revision: Number(row.LedgerRevision ?? 0),
    cost: String(row.CostPicoUsd),
  }))
}

function toRow({ priced: { span, ledger }, context }: SpanRow): Row {
  return {
    project: context.project,
    trace: span.traceId,
    span: span.spanId,
    duration: Number(span.endTimeUnixNano - span.startTimeUnixNano),
    digest: context.digest,
    revision: ledger.revision,
    cost: String(ledger.costPicoUsd),
  }
}

/** What tells spans apart. */
export function keyOf({ project, trace, span }: Pick<Row, 'project' | 'trace' | 'span'>): string {
  return `${project} ${trace} ${span}`
}

function beats(a: Row, b: Row): boolean {
  return a.duration === b.duration ? a.digest > b.digest : a.duration > b.duration
}

/** `rows` with the ledger of the highest revision. */
export function correct(rows: readonly Row[], corrections: readonly Row[]): Row[] {
  const latest = new Map<string, Row>()
  for (const row of corrections) {
    if (row.revision > (latest.get(keyOf(row))?.revision ?? 0)) latest.set(keyOf(row), row)
  }
  return rows.map((row) => {
    const { revision, cost } = latest.get(keyOf(row)) ?? row
    return revision > row.revision ? { ...row, revision, cost } : row
  })
}
