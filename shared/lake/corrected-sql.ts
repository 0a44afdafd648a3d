import { NO_ATTRIBUTES } from '../spans/attributes.ts'
import { LAKE_COLUMNS } from '../spans/columns.ts'
import { EMPTY_LEDGER, LEDGER_ATTRIBUTES, type Ledger } from '../spans/ledger.ts'
import type { Span } from '../spans/span.ts'

/** Names of the columns that a correction replaces: those that show the ledger. */
export const LEDGER_COLUMNS: readonly string[] = findLedgerColumns()

/**
 * The rows of `source`, with the ledger of the latest correction where there is one that is later than the row's own. Corrections are
 * rows of the same columns, of which only the ids and the ledger count.
 */
export function correctedSql(source: string, corrections: string): string {
  const replaced = LEDGER_COLUMNS.map(
    (name) =>
      `CASE WHEN c.LedgerRevision > coalesce(s.LedgerRevision, 0) THEN c."${name}" ELSE s."${name}" END AS "${name}"`,
  )
  return `
    SELECT s.* REPLACE (${replaced.join(', ')})
    FROM (${source}) s LEFT JOIN (
      SELECT ProjectId, TraceId, SpanId, ${LEDGER_COLUMNS.map((name) => `"${name}"`).join(', ')} FROM (${corrections})
      QUALIFY row_number() OVER (PARTITION BY ProjectId, TraceId, SpanId ORDER BY LedgerRevision DESC, Receipt DESC, Digest DESC) = 1
    ) c ON s.ProjectId = c.ProjectId AND s.TraceId = c.TraceId AND s.SpanId = c.SpanId`
}

/** The columns whose value changes when everything in a ledger does. */
function findLedgerColumns(): string[] {
  const marks = { string: 'x', count: 1, money: 1n }
  const marked = Object.fromEntries(
    LEDGER_ATTRIBUTES.map(({ field, kind }) => [field, marks[kind]]),
  ) as unknown as Ledger
  const context = { project: '', digest: '', ingestedAt: 0n }
  const shared = { attributes: NO_ATTRIBUTES, droppedAttributesCount: 0, schemaUrl: '' }
  const span: Span = {
    traceId: '',
    spanId: '',
    parentSpanId: '',
    traceState: '',
    flags: 0,
    name: '',
    kind: 'INTERNAL',
    startTimeUnixNano: 0n,
    endTimeUnixNano: 0n,
    attributes: NO_ATTRIBUTES,
    droppedAttributesCount: 0,
    events: [],
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    statusCode: 'UNSET',
    statusMessage: '',
    resource: shared,
    scope: { name: '', version: '', ...shared },
  }
  return LAKE_COLUMNS.filter(({ type }) => type !== 'attributes' && type !== 'strings' && type !== 'attributesList')
    .filter(
      (column) =>
        column.value({ span, ledger: EMPTY_LEDGER }, context) !== column.value({ span, ledger: marked }, context),
    )
    .map(({ lake }) => lake)
}
