import { BigQuery } from '@google-cloud/bigquery'
import { type RetryOptions, retrying } from '../../retry.ts'
import type { Sql } from '../sql/statement.ts'
import { failedRows, isTransient, toStoreError } from './failure.ts'
import { plainRow, queryRequest } from './query.ts'
import type { InsertRow } from './rows.ts'

/** Where the dataset is, and how hard to try. */
export interface BigQueryOptions {
  readonly projectId: string
  readonly dataset: string
  /** Another server than Google's, for tests; no credentials are sent to it. */
  readonly apiEndpoint?: string
  /** Of every request. */
  readonly retry?: RetryOptions
  /** Most bytes that one query may be billed for; one that would read more is refused unread. @defaultValue 20 GiB */
  readonly maxBytesBilled?: number
  /** Told of every query what it was billed for, in bytes. */
  readonly onBilled?: (bytes: number) => void
}

/** A row that BigQuery will never take: its place among those given, and what is wrong with it. */
export interface RefusedRow {
  readonly index: number
  readonly reason: string
}

/** What is asked of BigQuery. Rejects with `store/unavailable` when it does not answer. */
export interface BigQueryClient {
  /** Inserts rows and returns those that it refuses; all others are stored. Rejects when some were neither. */
  insert(table: string, rows: readonly InsertRow[]): Promise<readonly RefusedRow[]>
  /** Rows by column name, integers as `bigint`. Rejects with `query/invalid` when it would read more than it may. */
  query(statement: Sql): Promise<readonly Readonly<Record<string, unknown>>[]>
}

/** Of one request: BigQuery takes 10 MB, and advises 500 rows. */
const MAX_REQUEST_BYTES = 9_000_000
const MAX_REQUEST_ROWS = 500
/** Requests of one insert that are under way at once: as many as wait for each other, so few that memory holds them. */
const PARALLEL = 4

/** A client of the REST API; it connects when first used. */
export function createBigQueryClient(options: BigQueryOptions): BigQueryClient {
  const { projectId, dataset, apiEndpoint, maxBytesBilled = 20 * 1024 ** 3, onBilled } = options
  const bigquery = new BigQuery({
    projectId,
    // The client's own retries have no jitter, and repeat less than may be repeated here.
    autoRetry: false,
    ...(apiEndpoint !== undefined && { apiEndpoint, token: 'none' }),
  })
  const attempt = async <T>(what: string, call: () => Promise<T>): Promise<T> => {
    try {
      return await retrying(call, isTransient, options.retry)
    } catch (error) {
      throw toStoreError(what, error)
    }
  }

  /** Rows whose failure may pass are sent again, without those that are stored or refused. */
  async function insertChunk(table: string, chunk: Chunk): Promise<RefusedRow[]> {
    const target = bigquery.dataset(dataset).table(table)
    const refused: RefusedRow[] = []
    let waiting = chunk.rows
    await attempt(`insert into ${table}`, async () => {
      try {
        await target.insert([...waiting], { raw: true, skipInvalidRows: true, partialRetries: 0 })
      } catch (error) {
        const failed = failedRows(error, waiting)
        if (failed === undefined) throw error
        for (const { row, reason } of failed.refused)
          refused.push({ index: chunk.start + chunk.rows.indexOf(row), reason })
        waiting = failed.transient
        if (waiting.length > 0) throw error
      }
    })
    return refused
  }

  return {
    async insert(table, rows) {
      const waiting = chunks(rows)
      const refused: RefusedRow[] = []
      const work = async () => {
        for (const chunk of waiting) refused.push(...(await insertChunk(table, chunk)))
      }
      // All are waited for: what is still under way must not meet its own repetition.
      const results = await Promise.allSettled(Array.from({ length: PARALLEL }, work))
      const failure = results.find((result) => result.status === 'rejected')
      if (failure !== undefined) throw failure.reason
      return refused.sort((a, b) => a.index - b.index)
    },

    async query(statement) {
      const request = { ...queryRequest(statement), maximumBytesBilled: String(maxBytesBilled) }
      const [rows, , answer] = (await attempt('query', () => bigquery.query(request))) as unknown as QueryAnswer
      onBilled?.(Number(answer?.totalBytesBilled ?? answer?.totalBytesProcessed ?? 0))
      return rows.map(plainRow)
    },
  }
}

/** What the client answers, whatever its types say. */
type QueryAnswer = [
  rows: Record<string, unknown>[],
  next: unknown,
  answer?: { readonly totalBytesBilled?: string; readonly totalBytesProcessed?: string },
]

/** Rows of one request, and the place of the first of them. */
interface Chunk {
  readonly start: number
  readonly rows: readonly InsertRow[]
}

/** Splits rows into requests that BigQuery takes. A row that is alone too large is left to BigQuery to refuse. */
function* chunks(rows: readonly InsertRow[]): Generator<Chunk> {
  let start = 0
  let bytes = 0
  for (const [index, row] of rows.entries()) {
    const size = Buffer.byteLength(JSON.stringify(row)) + 1
    if (index > start && (bytes + size > MAX_REQUEST_BYTES || index - start >= MAX_REQUEST_ROWS)) {
      yield { start, rows: rows.slice(start, index) }
      start = index
      bytes = 0
    }
    bytes += size
  }
  if (rows.length > start) yield { start, rows: rows.slice(start) }
}
