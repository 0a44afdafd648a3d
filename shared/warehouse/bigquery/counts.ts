import { isSpanledgerError } from '../../errors.ts'
import { type Sql, sql } from '../sql/statement.ts'
import type { StoreCounts } from '../trace-store.ts'
import type { BigQueryClient } from './client.ts'
import { type Dataset, instant, table } from './scope.ts'

const DAY_MS = 86_400_000

/** Projects whose older spans are remembered. */
const MAX_PROJECTS = 1_000

export interface CountOptions {
  readonly dataset: Dataset
  /** How long it is remembered how many older spans a project has, in milliseconds. @defaultValue an hour */
  readonly recountMs?: number
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

/** How many spans of a project started before `before`, counted at `at`; both in milliseconds since 1970. */
interface OlderSpans {
  readonly before: number
  readonly at: number
  /** Undefined where BigQuery may not be billed for as much. */
  readonly spans: bigint | undefined
}

/**
 * Counts what the warehouse holds. To tell spans from duplicates BigQuery reads the ids of all: of those that began before yesterday,
 * few of which can be new, once in a while. Where that is more than a query may be billed for, duplicates count as stored.
 */
export function createCounter(
  client: Pick<BigQueryClient, 'query'>,
  { dataset, recountMs = 3_600_000, now = Date.now }: CountOptions,
): (project: string) => Promise<StoreCounts> {
  const known = new Map<string, OlderSpans>()

  async function count(statement: Sql): Promise<bigint> {
    const [row] = await client.query(statement)
    return BigInt(String(row?.spans ?? 0))
  }

  async function countOlder(project: string, before: number): Promise<bigint | undefined> {
    const earlier = known.get(project)
    const at = now()
    if (earlier?.before === before && at - earlier.at < recountMs) return earlier.spans
    const spans = await count(storedStatement(project, dataset, { to: before })).catch((error: unknown) => {
      if (isSpanledgerError(error, 'query/invalid')) return undefined
      throw error
    })
    if (known.size >= MAX_PROJECTS) known.clear()
    known.set(project, { before, at, spans })
    return spans
  }

  return async (project) => {
    const yesterday = Math.max(0, (Math.floor(now() / DAY_MS) - 1) * DAY_MS)
    const [received, older, newer] = await Promise.all([
      count(receivedStatement(project, dataset)),
      countOlder(project, yesterday),
      count(storedStatement(project, dataset, { from: yesterday })),
    ])
    if (older === undefined) return { stored: received > newer ? received : newer, duplicates: 0n }
    const stored = older + newer
    return { stored, duplicates: received > stored ? received - stored : 0n }
  }
}

/** The spans of all messages that are in the books, each message once. */
export function receivedStatement(project: string, dataset: Dataset): Sql {
  return sql`SELECT SUM(spans) AS spans FROM (
  SELECT digest, MAX(spans) AS spans FROM ${table(dataset, 'batches')} WHERE project_id = ${project} GROUP BY digest
)`
}

/** The spans that started from `from`, inclusive, to `to`, exclusive, in milliseconds since 1970. */
export function storedStatement(
  project: string,
  dataset: Dataset,
  { from = 0, to }: { readonly from?: number; readonly to?: number },
): Sql {
  const at = (millis: number) => instant(BigInt(millis) * 1_000_000n)
  const end = to === undefined ? sql`` : sql` AND start_time < ${at(to)}`
  return sql`SELECT COUNT(*) AS spans FROM (
  SELECT DISTINCT trace_id, span_id FROM ${table(dataset, 'spans')}
  WHERE project_id = ${project} AND start_time >= ${at(from)}${end}
)`
}
