import { BigQuery } from '@google-cloud/bigquery'
import { type RetryOptions, retrying } from '../../retry.ts'
import type { Sql } from '../sql/statement.ts'
import { isTooLarge, isTransient, refusalOf, toStoreError } from './failure.ts'
import { createInsertAll } from './insert-all.ts'
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
  /** How long the answer to an insert is waited for, in milliseconds. @defaultValue 30,000 */
  readonly timeoutMs?: number
  /** Most bytes that one query may be billed for; one that would read more is refused unread. @defaultValue 20 GiB */
  readonly maxBytesBilled?: number
  /** Most rows of one part of a scan. @defaultValue 2,000 */
  readonly scanRows?: number
  /** Asked instead of the REST API. */
  readonly client?: BigQueryClient
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
  /** Inserts rows, made as they are sent, and returns those that it refuses; all others are stored. Rejects when some were neither. */
  insert(table: string, rows: Iterable<InsertRow>): Promise<readonly RefusedRow[]>
  /** Rows by column name, integers as `bigint`. Rejects with `query/invalid` when it would read more than it may. */
  query(statement: Sql): Promise<readonly Row[]>
  /** The same, part by part: the query is run, and billed, once, however many parts there are. A part is 20 MB at most. */
  scan(statement: Sql): AsyncIterable<readonly Row[]>
}

export type Row = Readonly<Record<string, unknown>>

/** Of one request: BigQuery takes 10 MB, and advises 500 rows. */
const MAX_REQUEST_BYTES = 9_000_000
const MAX_REQUEST_ROWS = 500
/** How long the query of a scan may run, in milliseconds: it may read a day's spans. */
const SCAN_TIMEOUT_MS = 120_000
/** Requests of one insert that are under way at once: as many as wait for each other, so few that memory holds them. */
const PARALLEL = 4

/** A client of the REST API; it connects when first used. */
export function createBigQueryClient(options: BigQueryOptions): BigQueryClient {
  const { projectId, dataset, apiEndpoint, onBilled } = options
  const { timeoutMs = 30_000, maxBytesBilled = 20 * 1024 ** 3, scanRows = 2_000 } = options
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

  const insertAll = createInsertAll(bigquery, { projectId, dataset, authorized: apiEndpoint === undefined, timeoutMs })

  /** Rows whose failure may pass are sent again, without those that are stored or refused. */
  async function insertChunk(table: string, { start, rows }: Chunk): Promise<RefusedRow[]> {
    const refused: RefusedRow[] = []
    let waiting = rows.map((text, index) => ({ text, index: start + index }))
    await attempt(`insert into ${table}`, async () => {
      const sent = waiting
      const texts = sent.map(({ text }) => text)
      const errors = await insertAll(table, texts).catch((error: unknown) => {
        // A chunk of several rows is within the bound of a request, so this one is the row's fault.
        if (sent.length > 1 || !isTooLarge(error)) throw error
        return [{ index: 0, errors: [{ message: 'it is larger than BigQuery takes' }] }]
      })
      waiting = []
      for (const error of errors) {
        const row = sent[error.index]
        const reason = refusalOf(error)
        if (row === undefined) throw new Error('BigQuery names a row that was not sent')
        if (reason === undefined) waiting.push(row)
        else refused.push({ index: row.index, reason })
      }
      if (waiting.length > 0) throw new Error('BigQuery left rows for later')
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
      onBilled?.(billed(answer))
      return rows.map(plainRow)
    },

    async *scan(statement) {
      const limits = { maximumBytesBilled: String(maxBytesBilled), jobTimeoutMs: SCAN_TIMEOUT_MS }
      const [job] = await attempt('query', () => bigquery.createQueryJob({ ...queryRequest(statement), ...limits }))
      const page = { maxResults: scanRows, autoPaginate: false, wrapIntegers: true }
      for (let pageToken: string | undefined, isFirst = true; isFirst || pageToken !== undefined; isFirst = false) {
        const request = { ...page, ...(pageToken !== undefined && { pageToken }) }
        const read = attempt('query', () => job.getQueryResults(request))
        const [rows, , answer] = (await read) as unknown as QueryAnswer
        if (isFirst) onBilled?.(billed(answer))
        if (rows.length > 0) yield rows.map(plainRow)
        pageToken = answer?.pageToken
      }
    },
  }
}

/** What the client answers, whatever its types say. */
type QueryAnswer = [
  rows: Record<string, unknown>[],
  next: unknown,
  answer?: {
    readonly totalBytesBilled?: string
    readonly totalBytesProcessed?: string
    readonly pageToken?: string
  },
]

function billed(answer: QueryAnswer[2]): number {
  return Number(answer?.totalBytesBilled ?? answer?.totalBytesProcessed ?? 0)
}

/** Rows of one request as JSON, and the place of the first of them. */
interface Chunk {
  readonly start: number
  readonly rows: readonly string[]
}

/** Splits rows into requests that BigQuery takes. A row that is alone too large is left to BigQuery to refuse. */
function* chunks(rows: Iterable<InsertRow>): Generator<Chunk> {
  let start = 0
  let bytes = 0
  let texts: string[] = []
  for (const row of rows) {
    const text = JSON.stringify(row)
    const size = Buffer.byteLength(text) + 1
    if (texts.length > 0 && (bytes + size > MAX_REQUEST_BYTES || texts.length >= MAX_REQUEST_ROWS)) {
      yield { start, rows: texts }
      start += texts.length
      texts = []
      bytes = 0
    }
    texts.push(text)
    bytes += size
  }
  if (texts.length > 0) yield { start, rows: texts }
}
