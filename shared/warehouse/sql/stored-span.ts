import { attributeFromText, attributesFromOtlpJson } from '../../spans/attribute-text.ts'
import { type Attributes, type AttributeValue, NO_ATTRIBUTES } from '../../spans/attributes.ts'
import type { CostStatus, Ledger } from '../../spans/ledger.ts'
import type { Span, SpanEvent, SpanKind, SpanLink, StatusCode } from '../../spans/span.ts'
import type { StoredSpan } from '../trace-store.ts'
import type { Dialect } from './dialect.ts'

type Row = Readonly<Record<string, unknown>>

/** A row of the table `spans` as the span it was made of: the inverse of the columns in `shared/spans/columns.ts`. */
export function readSpan(row: Row, dialect: Dialect): StoredSpan {
  return {
    span: readOtlpSpan(row, dialect),
    ledger: readLedger(row),
    context: {
      project: text(row.project_id),
      digest: text(row.digest),
      ingestedAt: dialect.readNanos(row.ingested_at),
      ...(typeof row.key_id === 'string' && { keyId: row.key_id }),
    },
  }
}

function readOtlpSpan(row: Row, dialect: Dialect): Span {
  const envelope = row.envelope === null ? {} : (JSON.parse(row.envelope as string) as Row)
  return {
    traceId: text(row.trace_id),
    spanId: text(row.span_id),
    parentSpanId: text(row.parent_span_id),
    traceState: text(row.trace_state),
    flags: Number(row.flags ?? 0),
    name: text(row.name),
    kind: text(row.kind) as SpanKind,
    startTimeUnixNano: dialect.readNanos(row.start_time),
    endTimeUnixNano: dialect.readNanos(row.end_time),
    attributes: readAttributes(row.attributes, row.attribute_kinds, dialect),
    droppedAttributesCount: count(envelope.droppedAttributesCount),
    events: row.events === null ? [] : readList(row.events).map(readEvent),
    droppedEventsCount: count(envelope.droppedEventsCount),
    links: row.links === null ? [] : readList(row.links).map(readLink),
    droppedLinksCount: count(envelope.droppedLinksCount),
    statusCode: text(row.status) as StatusCode,
    statusMessage: text(row.status_message),
    resource: {
      attributes: readAttributes(row.resource_attributes, row.resource_attribute_kinds, dialect),
      droppedAttributesCount: count(envelope.resourceDroppedAttributesCount),
      schemaUrl: text(envelope.resourceSchemaUrl),
    },
    scope: {
      name: text(row.scope_name),
      version: text(row.scope_version),
      attributes:
        envelope.scopeAttributes === undefined ? NO_ATTRIBUTES : attributesFromOtlpJson(envelope.scopeAttributes),
      droppedAttributesCount: count(envelope.scopeDroppedAttributesCount),
      schemaUrl: text(envelope.scopeSchemaUrl),
    },
  }
}

function readLedger(row: Row): Ledger {
  return {
    operation: text(row.gen_ai_operation),
    provider: text(row.gen_ai_provider),
    model: text(row.gen_ai_model),
    inputTokens: tokens(row.gen_ai_input_tokens),
    outputTokens: tokens(row.gen_ai_output_tokens),
    totalTokens: tokens(row.gen_ai_total_tokens),
    cacheReadTokens: tokens(row.gen_ai_cache_read_tokens),
    cacheWriteTokens: tokens(row.gen_ai_cache_write_tokens),
    reasoningTokens: tokens(row.gen_ai_reasoning_tokens),
    costPicoUsd: row.cost_pico_usd as bigint | null,
    costStatus: text(row.cost_status) as CostStatus,
    priceVersion: text(row.price_version),
    receipt: text(row.receipt),
    userId: text(row.user_id),
    sessionId: text(row.session_id),
    environment: text(row.environment),
    requestModel: text(row.gen_ai_request_model),
    agentName: text(row.gen_ai_agent_name),
    toolName: text(row.gen_ai_tool_name),
    dialect: text(row.gen_ai_dialect),
    costLowerPicoUsd: row.cost_lower_pico_usd as bigint | null,
    costUpperPicoUsd: row.cost_upper_pico_usd as bigint | null,
    reportedCostPicoUsd: row.reported_cost_pico_usd as bigint | null,
    revision: count(row.ledger_revision),
  }
}

function readAttributes(stored: unknown, kinds: unknown, dialect: Dialect): Attributes {
  const entries = dialect.readAttributes(stored)
  if (entries.length === 0) return NO_ATTRIBUTES
  const letters = text(kinds)
  const attributes = new Map<string, AttributeValue>()
  for (const [index, [key, value]] of entries.entries()) {
    attributes.set(key, attributeFromText(value, letters[index] ?? 's'))
  }
  return attributes
}

function readEvent(json: Row): SpanEvent {
  return {
    timeUnixNano: BigInt(json.timeUnixNano as string),
    name: text(json.name),
    attributes: attributesFromOtlpJson(json.attributes),
    droppedAttributesCount: count(json.droppedAttributesCount),
  }
}

function readLink(json: Row): SpanLink {
  return {
    traceId: text(json.traceId),
    spanId: text(json.spanId),
    traceState: text(json.traceState),
    attributes: attributesFromOtlpJson(json.attributes),
    droppedAttributesCount: count(json.droppedAttributesCount),
    flags: count(json.flags),
  }
}

function readList(json: unknown): Row[] {
  return JSON.parse(json as string) as Row[]
}

/** Rows from before a column was added have NULL there. */
function text(stored: unknown): string {
  return (stored ?? '') as string
}

function count(stored: unknown): number {
  return Number(stored ?? 0)
}

function tokens(stored: unknown): number | null {
  return stored === null ? null : Number(stored)
}
