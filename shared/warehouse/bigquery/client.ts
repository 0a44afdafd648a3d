import { BigQuery } from '@google-cloud/bigquery'
import { SpanledgerError } from '../../errors.ts'
import { type RetryOptions, retrying } from '../../retry.ts'
import type { Sql, SqlValue } from '../sql/statement.ts'
import type { InsertRow } from './rows.ts'

/** Where the dataset is, and how hard to try. */
export interface BigQueryOptions {
  readonly projectId: string
  readonly dataset: string
  /** Another server than Google's, for tests; no credentials are sent to it. */
  readonly apiEndpoint?: string
  /** Of every request. */
  readonly retry?: RetryOptions
  /** Most bytes that one query may be billed for; BigQuery refuses it beyond. @defaultValue 100 GiB */
  readonly maxBytesBilled?: bigint
}

/** The two things that are asked of BigQuery. */
export interface BigQueryClient {
  /** Inserts rows. Rejects with `store/rejected` when some of them cannot be stored, once all others are. */
  insert(table: string, rows: readonly InsertRow[]): Promise<void>
  /** Rows by column name, integers as `bigint`. */
  query(statement: Sql): Promise<readonly Readonly<Record<string, unknown>>[]>
}

/** Of one request: BigQuery takes 10 MB, and advises 500 rows. */
const MAX_REQUEST_BYTES = 9_000_000
const MAX_REQUEST_ROWS = 500
const QUERY_TIMEOUT_MS = 30_000

/** A client of the REST API; it connects when first used. Its requests reject with `store/unavailable`. */
export function createBigQueryClient(options: BigQueryOptions): BigQueryClient {
  const { projectId, dataset, apiEndpoint, maxBytesBilled = 100n * 1024n ** 3n } = options
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

  async function insertChunk(table: string, rows: readonly InsertRow[]): Promise<void> {
    const target = bigquery.dataset(dataset).table(table)
    await attempt(`insert into ${table}`, () =>
      target.insert([...rows], { raw: true, skipInvalidRows: true, partialRetries: 0 }),
    )
  }

  return {
    async insert(table, rows) {
      let refused: unknown
      for (const chunk of chunks(rows)) {
        try {
          await insertChunk(table, chunk)
        } catch (error) {
          if (!(error instanceof SpanledgerError && error.code === 'store/rejected')) throw error
          refused = error
        }
      }
      if (refused !== undefined) throw refused
    },

    async query({ text, values }) {
      let index = 0
      const query = text.replaceAll('?', () => `@p${index++}`)
      const request = {
        query,
        params: Object.fromEntries(values.map((value, position) => [`p${position}`, parameter(value)])),
        types: Object.fromEntries(values.map((value, position) => [`p${position}`, typeOf(value)])),
        maximumBytesBilled: maxBytesBilled.toString(),
        wrapIntegers: true,
        jobTimeoutMs: QUERY_TIMEOUT_MS,
      }
      const [rows] = await attempt('query', () => bigquery.query(request))
      return (rows as Record<string, unknown>[]).map(plainRow)
    },
  }
}

/** Splits rows into requests that BigQuery takes. A row that is alone too large is left to BigQuery to refuse. */
function* chunks(rows: readonly InsertRow[]): Iterable<readonly InsertRow[]> {
  let chunk: InsertRow[] = []
  let bytes = 0
  for (const row of rows) {
    const size = Buffer.byteLength(JSON.stringify(row)) + 1
    if (chunk.length > 0 && (bytes + size > MAX_REQUEST_BYTES || chunk.length >= MAX_REQUEST_ROWS)) {
      yield chunk
      chunk = []
      bytes = 0
    }
    chunk.push(row)
    bytes += size
  }
  if (chunk.length > 0) yield chunk
}

function parameter(value: SqlValue): string {
  return typeof value === 'object' ? value.nanos.toString() : value.toString()
}

/** Times are compared as the integers that `scope.ts` makes of them. */
function typeOf(value: SqlValue): string {
  return typeof value === 'string' ? 'STRING' : 'INT64'
}

function plainRow(row: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plainValue(value)]))
}

/** The client wraps what JSON cannot hold: integers in an object with their text, NUMERIC in one that prints itself. */
function plainValue(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  if ('type' in value && value.type === 'BigQueryInt') return BigInt(String((value as { value?: unknown }).value))
  return 'toFixed' in value && typeof value.toFixed === 'function' ? String(value.toFixed(0)) : value
}

function isTransient(error: unknown): boolean {
  if (!(error instanceof Error) || error.name === 'PartialFailureError') return false
  const code = 'code' in error ? Number(error.code) : Number.NaN
  // Without a status there was no answer; it may have been lost on its way back.
  if (Number.isNaN(code) || code === 0) return true
  return code === 408 || code === 429 || code >= 500 || /rateLimitExceeded|backendError/.test(error.message)
}

function toStoreError(what: string, cause: unknown): SpanledgerError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (cause instanceof Error && cause.name === 'PartialFailureError')
    return new SpanledgerError('store/rejected', `BigQuery refuses rows: ${reasons(cause)}`, { cause })
  if (code === 413) return new SpanledgerError('store/rejected', 'a row is larger than BigQuery takes', { cause })
  const hint =
    code === 404 ? 'it is missing: deploy infra' : code === 403 ? 'grant the function access to it' : 'try again later'
  return new SpanledgerError('store/unavailable', `cannot ${what} in BigQuery (${code ?? 'no answer'}): ${hint}`, {
    cause,
  })
}

/** The distinct reasons of refused rows, without their contents. */
function reasons(error: Error): string {
  const rows = (error as Error & { errors?: readonly { errors?: readonly { reason?: string; message?: string }[] }[] })
    .errors
  const found = (rows ?? []).flatMap(({ errors = [] }) =>
    errors.map(({ message, reason }) => message ?? reason ?? 'invalid'),
  )
  return [...new Set(found)].slice(0, 3).join('; ').slice(0, 300)
}
