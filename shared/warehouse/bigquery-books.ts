import type { BookEntry, Books, BookTotals } from '../books.ts'
import { SpanledgerError } from '../errors.ts'
import { bookStatement } from './bigquery/book-statement.ts'
import { type BigQueryClient, type BigQueryOptions, createBigQueryClient } from './bigquery/client.ts'
import { batchRow, type InsertRow } from './bigquery/rows.ts'
import { timestamp } from './bigquery/timestamp.ts'

/**
 * The books as BigQuery's tables `books` and, of what is stored, `batches`, which only ever grow: what is entered twice is told apart when it is
 * read.
 */
export function openBigQueryBooks(options: BigQueryOptions): Books {
  const client = options.client ?? createBigQueryClient(options)
  const dataset = `${options.projectId}.${options.dataset}`
  return {
    enter: (entries) => enterInto(client, entries),

    async totals(project) {
      const totals = { accepted: 0n, rejected: {} as Record<string, bigint>, dead: {} as Record<string, Dead> }
      for (const row of await client.query(bookStatement(project, dataset))) {
        const spans = BigInt(String(row.spans ?? 0))
        const [subscription, reason] = [String(row.subscription), String(row.reason)]
        if (row.kind === 'accepted') totals.accepted = spans
        else if (row.kind === 'rejected') totals.rejected[reason] = spans
        else totals.dead[subscription] = { ...totals.dead[subscription], [reason]: spans }
      }
      return totals
    },
  }
}

type Dead = BookTotals['dead'][string]

/** Inserts entries. Rejects with `store/unavailable`. */
export async function enterInto(client: Pick<BigQueryClient, 'insert'>, entries: readonly BookEntry[]): Promise<void> {
  const { stored = [], others = [] } = Object.groupBy(entries, ({ kind }) => (kind === 'stored' ? 'stored' : 'others'))
  const insert = async (table: string, rows: readonly InsertRow[]) => {
    const [refused] = rows.length === 0 ? [] : await client.insert(table, rows)
    if (refused !== undefined)
      throw new SpanledgerError('store/unavailable', `BigQuery refuses rows of ${table}: ${refused.reason}`)
  }
  await Promise.all([insert('batches', stored.map(batchRow)), insert('books', others.map(bookRow))])
}

/** An entry as a row of `books`. */
function bookRow({ kind, project, digest, spans, subscription, reason, at }: BookEntry): InsertRow {
  const recordedAt = timestamp(BigInt(Math.floor(at)) * 1_000_000n)
  return {
    insertId: [kind, digest, subscription, reason, recordedAt].join('/').slice(0, 120),
    json: {
      kind,
      digest,
      project_id: project,
      spans: spans.toString(),
      subscription,
      reason: reason.toWellFormed(),
      recorded_at: recordedAt,
    },
  }
}
