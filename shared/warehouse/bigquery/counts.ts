import { isSpanledgerError } from '../../errors.ts'
import { type Sql, sql } from '../sql/statement.ts'
import type { StoreCounts } from '../trace-store.ts'
import type { BigQueryClient } from './client.ts'
import { type Dataset, instant, table } from './scope.ts'

/** Projects whose duplicates are remembered. */
const MAX_PROJECTS = 1_000

export interface CountOptions {
  readonly dataset: Dataset
  /** How long it is remembered how many duplicates a project has, in milliseconds. @defaultValue ten minutes */
  readonly countEveryMs?: number
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

/** What is in the warehouse of a project. */
export interface Counter {
  /** Spans of all messages, each message once: BigQuery reads a row a message for it. */
  received(project: string): Promise<bigint>
  /**
   * The same, and how many of them were there already: which BigQuery finds by looking at every span, so that it is asked for only every so often,
   * and not at all where that is more than a query may be billed for; then duplicates are counted with what is stored.
   */
  counts(project: string): Promise<StoreCounts>
}

export function createCounter(client: Pick<BigQueryClient, 'query'>, options: CountOptions): Counter {
  const { dataset, countEveryMs = 600_000, now = Date.now } = options
  const known = new Map<string, { readonly at: number; readonly duplicates: bigint }>()

  async function count(statement: Sql): Promise<bigint> {
    const [row] = await client.query(statement)
    return BigInt(String(row?.spans ?? 0))
  }

  async function duplicatesOf(project: string, received: bigint): Promise<bigint> {
    const earlier = known.get(project)
    if (earlier !== undefined && now() - earlier.at < countEveryMs) return earlier.duplicates
    const at = now()
    const stored = await count(storedStatement(project, dataset)).catch((error: unknown) => {
      if (isSpanledgerError(error, 'query/invalid')) return received
      throw error
    })
    const duplicates = received > stored ? received - stored : 0n
    if (known.size >= MAX_PROJECTS) known.clear()
    known.set(project, { at, duplicates })
    return duplicates
  }

  const received = (project: string) => count(receivedStatement(project, dataset))
  return {
    received,
    async counts(project) {
      const all = await received(project)
      const duplicates = await duplicatesOf(project, all)
      return { stored: all > duplicates ? all - duplicates : 0n, duplicates: duplicates < all ? duplicates : all }
    },
  }
}

/** Messages stored, each once. */
export function receivedStatement(project: string, dataset: Dataset): Sql {
  return sql`SELECT SUM(spans) AS spans FROM (
  SELECT digest, MAX(spans) AS spans FROM ${table(dataset, 'batches')} WHERE project_id = ${project} GROUP BY digest
)`
}

/** The spans that are there. */
export function storedStatement(project: string, dataset: Dataset): Sql {
  return sql`SELECT COUNT(*) AS spans FROM (
  SELECT DISTINCT trace_id, span_id FROM ${table(dataset, 'spans')}
  WHERE project_id = ${project} AND start_time >= ${instant(0n)}
)`
}
