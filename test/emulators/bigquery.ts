import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { BigQuery } from '@google-cloud/bigquery'
import { bigQueryCorrectionSchema } from '../../shared/warehouse/bigquery/schema.ts'
import { bigQueryBatchSchema, bigQueryBookSchema, bigQuerySchema } from '../../shared/warehouse/ddl/bigquery.ts'

// Google's clients else look for a metadata server, which only exists in the cloud, before every first request.
process.env.METADATA_SERVER_DETECTION ??= 'none'

/** A request as it came, for tests that count and measure. */
export interface BigQueryRequest {
  readonly kind: 'insert' | 'query' | 'other'
  readonly table: string
  readonly bytes: number
  readonly rows: number
  readonly body: Readonly<Record<string, unknown>>
}

/** `bigquery-local` behind a proxy that counts, fails on cue, and asks it one thing at a time, which is all that it bears. */
export interface BigQueryDouble {
  readonly url: string
  readonly requests: BigQueryRequest[]
  /**
   * Consulted before each request: a status to answer; to do the work and lose the answer, or never give it; to refuse an insert's
   * last row for what it is, or to leave it for later.
   */
  fault: (request: BigQueryRequest) => number | 'lose-answer' | 'no-answer' | 'refuse-row' | 'stop-row' | undefined
  /** Whether a minute has gone by since every earlier insert: BigQuery knows their ids no more. */
  forgetful: boolean
  /** What every query would read: one that may not be billed for it is refused. */
  queryBytes: number
  /** Makes a dataset with our tables. */
  createDataset(projectId: string, dataset: string): Promise<void>
  close(): Promise<void>
}

export async function startBigQuery(): Promise<BigQueryDouble> {
  adaptEmulator()
  const { createServer: createEmulator } = await import('bigquery-local')
  const emulator = await createEmulator({ database: ':memory:' })
  await emulator.listen(0)
  let last: Promise<unknown> = Promise.resolve()
  const server = createServer((request, response) => {
    last = last.then(() => forward(request, response)).catch(() => request.socket.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const double: BigQueryDouble = {
    url,
    requests: [],
    fault: () => undefined,
    forgetful: false,
    queryBytes: 0,
    async createDataset(projectId, dataset) {
      const client = new BigQuery({ projectId, apiEndpoint: url, ...{ token: 'none' } })
      const [created] = await client.createDataset(dataset)
      const tables = {
        spans: bigQuerySchema(),
        corrections: bigQueryCorrectionSchema(),
        batches: bigQueryBatchSchema(),
        books: bigQueryBookSchema(),
      }
      for (const [name, fields] of Object.entries(tables))
        await created.createTable(name, { schema: { fields: structuredClone(fields) as object[] } })
    },
    async close() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
      await emulator.close()
    },
  }
  return double

  async function forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const received = Buffer.concat(chunks)
    const seen = describe(request.url ?? '', received)
    double.requests.push(seen)
    const fault = double.fault(seen)
    if (typeof fault === 'number') return sendError(response, fault, 'backendError', 'fault on cue')
    const most = maximumBytesBilled(seen.body)
    if (double.queryBytes > most) {
      const message = `Query exceeded limit for bytes billed: ${most}. ${double.queryBytes} or higher required.`
      return sendError(response, 400, 'bytesBilledLimitExceeded', message)
    }
    const partial = fault === 'refuse-row' || fault === 'stop-row'
    const forwarded = seen.kind === 'insert' ? insertOf(seen, partial, double.forgetful) : seen.body
    const answer = await fetch(`${emulator.url}${request.url}`, {
      method: request.method ?? 'GET',
      headers: { 'content-type': 'application/json' },
      ...(received.length > 0 && { body: JSON.stringify(translate(forwarded)) }),
    })
    const text = await answer.text()
    if (fault === 'lose-answer') return void request.socket.destroy()
    if (fault === 'no-answer') return
    const reason = fault === 'refuse-row' ? 'invalid' : 'stopped'
    const errors = [{ reason, message: `the row is ${reason}`, location: 'start_time' }]
    const body = partial ? JSON.stringify({ insertErrors: [{ index: seen.rows - 1, errors }] }) : text
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(body)
  }
}

/** An insert as the emulator is to do it. */
function insertOf({ body }: BigQueryRequest, partial: boolean, forgetful: boolean): BigQueryRequest['body'] {
  const rows = (body.rows as { json: unknown }[]).slice(0, partial ? -1 : undefined)
  return { ...body, rows: forgetful ? rows.map(({ json }) => ({ json })) : rows }
}

function sendError(response: ServerResponse, code: number, reason: string, message: string): void {
  const error = { code, message, errors: [{ reason, message }] }
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify({ error }))
}

/** What a query may be billed for; no bound for other requests. */
function maximumBytesBilled(body: Readonly<Record<string, unknown>>): number {
  const query = (body.configuration as { query?: Readonly<Record<string, unknown>> } | undefined)?.query ?? body
  const { maximumBytesBilled: text } = query
  return text === undefined ? Number.POSITIVE_INFINITY : Number(text)
}

function describe(url: string, body: Buffer): BigQueryRequest {
  const json = body.length > 0 ? (JSON.parse(body.toString()) as Record<string, unknown>) : {}
  const table = /\/tables\/(\w+)\/insertAll/.exec(url)?.[1]
  const rows = Array.isArray(json.rows) ? json.rows.length : 0
  const kind = table !== undefined ? 'insert' : /\/(queries|jobs)\b/.test(url) ? 'query' : 'other'
  return { kind, table: table ?? '', bytes: body.length, rows, body: json }
}

/** DuckDB, on which the emulator runs, knows no IGNORE NULLS in aggregates: its FILTER means the same, and its lists give NULL
 * beyond their end. Its NUMERIC has 15 digits before the point where BigQuery's has 29. */
function translate(body: {
  readonly configuration?: unknown
  readonly query?: unknown
}): Readonly<Record<string, unknown>> {
  if (typeof body.configuration === 'object') return { ...body, configuration: translate(body.configuration as object) }
  if (typeof body.query === 'object') return { ...body, query: translate(body.query as object) }
  if (typeof body.query !== 'string') return body
  const query = body.query
    .replaceAll(
      /ARRAY_AGG\(DISTINCT NULLIF\((\w+), ''\) IGNORE NULLS\)/g,
      "ARRAY_AGG(DISTINCT $1) FILTER (WHERE $1 <> '')",
    )
    .replaceAll(
      /ARRAY_AGG\(IF\(([\s\S]*?), (duration_ns), NULL\) IGNORE NULLS ORDER BY IF\([\s\S]*?, duration_ns, NULL\)\)\[/g,
      '(ARRAY_AGG($2 ORDER BY $2) FILTER (WHERE $1))[',
    )
    .replaceAll(' AS NUMERIC)', ' AS DECIMAL(38, 0))')
    .replaceAll(/\[SAFE_ORDINAL\(([\s\S]*?), 100\)\)\]/g, '[$1, 100)]')
  return { ...body, query }
}

/**
 * The emulator downloads DuckDB's extensions for geography and one hash function: nothing of ours needs them. And it rounds
 * NUMERIC to a double, where BigQuery gives the text of the number.
 */
function adaptEmulator(): void {
  const require = createRequire(import.meta.resolve('bigquery-local'))
  // Its own, older copy of DuckDB's client drops a leading byte order mark, too (shared/duckdb-text.ts), with a decoder that
  // it makes when it is loaded and keeps to itself.
  const { TextDecoder } = globalThis
  globalThis.TextDecoder = class extends TextDecoder {
    constructor(label?: string) {
      super(label, { ignoreBOM: true })
    }
  }
  require('@duckdb/node-api')
  globalThis.TextDecoder = TextDecoder
  const { DuckDBConnection, DuckDBDecimalValue } = require('@duckdb/node-api') as {
    DuckDBConnection: { prototype: { run: (this: unknown, ...args: unknown[]) => Promise<unknown> } }
    DuckDBDecimalValue: { prototype: { toDouble: (this: { value: bigint; scale: number }) => unknown } }
  }
  const { run } = DuckDBConnection.prototype
  DuckDBConnection.prototype.run = function (...args) {
    const skipped = /^\s*(INSTALL|LOAD) (spatial|crypto)|^\s*CREATE OR REPLACE MACRO bq_st/.test(String(args[0]))
    return skipped ? Promise.resolve(undefined) : run.apply(this, args)
  }
  const { toDouble } = DuckDBDecimalValue.prototype
  DuckDBDecimalValue.prototype.toDouble = function () {
    return this.scale === 0 ? String(this.value) : toDouble.call(this)
  }
}
