import { attributeKinds } from './attribute-text.ts'
import type { Attributes } from './attributes.ts'
import type { PricedSpan } from './ledger.ts'
import { spanBytes } from './size.ts'
import { durationNanos, type Span, serviceName } from './span.ts'
import { envelopeJson, eventsJson, linksJson } from './span-json.ts'

/** What the message that carried a span adds to its row. */
export interface RowContext {
  readonly project: string
  readonly digest: string
  /** Nanoseconds since 1970. */
  readonly ingestedAt: bigint
  /** Id of the API key that sent it; '' where none was needed, absent where it is not known. */
  readonly keyId?: string
}

/** The value types of a row, from which each store's own type follows. */
interface ColumnTypes {
  string: string | null
  int64: bigint | number | null
  float64: number | null
  /** Nanoseconds since 1970; null only where a column is nullable. */
  timestamp: bigint | null
  /** Key to value text, in order; `attribute-text.ts` gives the text and its kinds. */
  attributes: Attributes
  /** JSON text. */
  json: string | null
  /** Parquet only: LIST<STRING>. */
  strings: readonly string[]
  /** Parquet only: LIST<MAP<STRING,STRING>>. */
  attributesList: readonly Attributes[]
}
export type ColumnType = keyof ColumnTypes

/** One column of the one schema. `warehouse` and `lake` are its names there; absent where that store has none. */
export type Column = {
  [T in ColumnType]: {
    readonly type: T
    readonly warehouse?: string
    readonly lake?: string
    /** Whether NULL is possible: strings use '' for "not said", counts and money use NULL. */
    readonly nullable: boolean
    readonly description: string
    readonly value: (priced: PricedSpan, context: RowContext) => ColumnTypes[T]
  }
}[ColumnType]

function column<T extends ColumnType>(
  type: T,
  names: { warehouse?: string; lake?: string },
  description: string,
  value: (priced: PricedSpan, context: RowContext) => ColumnTypes[T],
  nullable = false,
): Column {
  return { type, ...names, description, value, nullable } as unknown as Column
}

/**
 * Every column once, in the order of the lake's files: the 14 of the published lakehouse layout first. New columns go to the
 * end. Warehouse tables take those with a `warehouse` name, in {@link warehouseColumns}' order.
 */
export const COLUMNS: readonly Column[] = [
  column('string', { warehouse: 'trace_id', lake: 'TraceId' }, '32 lower-case hex digits', ({ span }) => span.traceId),
  column('string', { warehouse: 'span_id', lake: 'SpanId' }, '16 lower-case hex digits', ({ span }) => span.spanId),
  column(
    'string',
    { warehouse: 'parent_span_id', lake: 'ParentSpanId' },
    "16 lower-case hex digits; '' for a root",
    ({ span }) => span.parentSpanId,
  ),
  column('string', { warehouse: 'name', lake: 'SpanName' }, 'span name', ({ span }) => span.name),
  column(
    'string',
    { warehouse: 'kind', lake: 'SpanKind' },
    'UNSPECIFIED, INTERNAL, SERVER, CLIENT, PRODUCER or CONSUMER',
    ({ span }) => span.kind,
  ),
  column('string', { warehouse: 'service_name', lake: 'ServiceName' }, "the resource's service.name", ({ span }) =>
    serviceName(span),
  ),
  column('int64', { warehouse: 'duration_ns', lake: 'Duration' }, 'nanoseconds from start to end', ({ span }) =>
    durationNanos(span),
  ),
  column('string', { warehouse: 'status', lake: 'StatusCode' }, 'UNSET, OK or ERROR', ({ span }) => span.statusCode),
  column(
    'string',
    { warehouse: 'status_message', lake: 'StatusMessage' },
    'what the emitter said of an error',
    ({ span }) => span.statusMessage,
  ),
  column(
    'attributes',
    { warehouse: 'attributes', lake: 'SpanAttributes' },
    'span attributes, values as text',
    ({ span }) => span.attributes,
  ),
  column(
    'attributes',
    { warehouse: 'resource_attributes', lake: 'ResourceAttributes' },
    'resource attributes, values as text',
    ({ span }) => span.resource.attributes,
  ),
  column('strings', { lake: 'Events.Name' }, 'event names', ({ span }) => span.events.map((event) => event.name)),
  column('attributesList', { lake: 'Events.Attributes' }, 'attributes of each event, values as text', ({ span }) =>
    span.events.map((event) => event.attributes),
  ),
  column(
    'timestamp',
    { warehouse: 'start_time', lake: 'Timestamp' },
    'start time',
    ({ span }) => span.startTimeUnixNano,
  ),

  column('string', { warehouse: 'project_id', lake: 'ProjectId' }, 'the tenant', (_, context) => context.project),
  column(
    'string',
    { warehouse: 'gen_ai_operation', lake: 'GenAiOperation' },
    'gen_ai.operation.name, normalised',
    ({ ledger }) => ledger.operation,
  ),
  column(
    'string',
    { warehouse: 'gen_ai_provider', lake: 'GenAiProvider' },
    'gen_ai.provider.name, normalised',
    ({ ledger }) => ledger.provider,
  ),
  column(
    'string',
    { warehouse: 'gen_ai_model', lake: 'GenAiModel' },
    "the response's model, else the request's",
    ({ ledger }) => ledger.model,
  ),
  column(
    'int64',
    { warehouse: 'gen_ai_input_tokens', lake: 'InputTokens' },
    'input tokens, cached ones included',
    ({ ledger }) => ledger.inputTokens,
    true,
  ),
  column(
    'int64',
    { warehouse: 'gen_ai_output_tokens', lake: 'OutputTokens' },
    'output tokens, reasoning included',
    ({ ledger }) => ledger.outputTokens,
    true,
  ),
  column(
    'int64',
    { warehouse: 'gen_ai_total_tokens', lake: 'TotalTokens' },
    'input and output tokens',
    ({ ledger }) => ledger.totalTokens,
    true,
  ),
  column(
    'int64',
    { warehouse: 'gen_ai_cache_read_tokens', lake: 'CacheReadTokens' },
    'input tokens read from the cache',
    ({ ledger }) => ledger.cacheReadTokens,
    true,
  ),
  column(
    'int64',
    { warehouse: 'gen_ai_cache_write_tokens', lake: 'CacheWriteTokens' },
    'input tokens written to the cache',
    ({ ledger }) => ledger.cacheWriteTokens,
    true,
  ),
  column(
    'int64',
    { warehouse: 'gen_ai_reasoning_tokens', lake: 'ReasoningTokens' },
    'output tokens spent on reasoning',
    ({ ledger }) => ledger.reasoningTokens,
    true,
  ),
  column(
    'float64',
    { warehouse: 'gen_ai_cost_usd', lake: 'CostUsd' },
    'cost in USD, rounded: sum cost_pico_usd instead',
    ({ ledger }) => (ledger.costPicoUsd === null ? null : Number(ledger.costPicoUsd) / 1e12),
    true,
  ),
  column(
    'int64',
    { warehouse: 'cost_pico_usd', lake: 'CostPicoUsd' },
    'cost in units of 1e-12 USD, exact',
    ({ ledger }) => ledger.costPicoUsd,
    true,
  ),
  column(
    'string',
    { warehouse: 'cost_status', lake: 'CostStatus' },
    'priced, free, rollup, ambiguous, unpriced or no_usage',
    ({ ledger }) => ledger.costStatus,
  ),
  column(
    'string',
    { warehouse: 'price_version', lake: 'PriceVersion' },
    'catalogue that priced it',
    ({ ledger }) => ledger.priceVersion,
  ),
  column(
    'string',
    { warehouse: 'receipt', lake: 'Receipt' },
    'line items of the cost, JSON',
    ({ ledger }) => ledger.receipt,
  ),
  column('string', { warehouse: 'user_id', lake: 'UserId' }, 'end user', ({ ledger }) => ledger.userId),
  column(
    'string',
    { warehouse: 'session_id', lake: 'SessionId' },
    'session or conversation',
    ({ ledger }) => ledger.sessionId,
  ),
  column(
    'string',
    { warehouse: 'environment', lake: 'Environment' },
    'deployment environment',
    ({ ledger }) => ledger.environment,
  ),
  column('timestamp', { warehouse: 'end_time' }, 'end time', ({ span }) => span.endTimeUnixNano),
  column(
    'timestamp',
    { lake: 'EndTimestamp' },
    'end time where it is not Timestamp + Duration, NULL where it is',
    ({ span }) => (endFollows(span) ? null : span.endTimeUnixNano),
    true,
  ),
  column(
    'string',
    { warehouse: 'scope_name', lake: 'ScopeName' },
    'instrumentation scope',
    ({ span }) => span.scope.name,
  ),
  column(
    'string',
    { warehouse: 'scope_version', lake: 'ScopeVersion' },
    "instrumentation scope's version",
    ({ span }) => span.scope.version,
  ),
  column(
    'json',
    { warehouse: 'events', lake: 'Events' },
    'events as OTLP/JSON; NULL if none',
    ({ span }) => eventsJson(span.events),
    true,
  ),
  column(
    'json',
    { warehouse: 'links', lake: 'Links' },
    'links as OTLP/JSON; NULL if none',
    ({ span }) => linksJson(span.links),
    true,
  ),
  column(
    'timestamp',
    { warehouse: 'ingested_at', lake: 'IngestedAt' },
    'when it was received',
    (_, context) => context.ingestedAt,
  ),
  column(
    'string',
    { warehouse: 'digest', lake: 'Digest' },
    'SHA-256 of the message that carried it',
    (_, context) => context.digest,
  ),
  column(
    'string',
    { warehouse: 'attribute_kinds', lake: 'SpanAttributeKinds' },
    "each attribute's OTLP type, one letter each",
    ({ span }) => attributeKinds(span.attributes),
  ),
  column(
    'string',
    { warehouse: 'resource_attribute_kinds', lake: 'ResourceAttributeKinds' },
    "each resource attribute's OTLP type, one letter each",
    ({ span }) => attributeKinds(span.resource.attributes),
  ),
  column('string', { warehouse: 'trace_state', lake: 'TraceState' }, 'W3C tracestate', ({ span }) => span.traceState),
  column('int64', { warehouse: 'flags', lake: 'Flags' }, 'OTLP span flags', ({ span }) => span.flags),
  column(
    'json',
    { warehouse: 'envelope', lake: 'Envelope' },
    'the rarely set rest of OTLP (scope attributes, schema URLs, dropped counts); NULL if none is set',
    ({ span }) => envelopeJson(span),
    true,
  ),
  column(
    'string',
    { warehouse: 'gen_ai_request_model', lake: 'GenAiRequestModel' },
    'the model that was asked for',
    ({ ledger }) => ledger.requestModel,
  ),
  column(
    'string',
    { warehouse: 'gen_ai_agent_name', lake: 'GenAiAgentName' },
    'agent that acted',
    ({ ledger }) => ledger.agentName,
  ),
  column(
    'string',
    { warehouse: 'gen_ai_tool_name', lake: 'GenAiToolName' },
    'tool that was called',
    ({ ledger }) => ledger.toolName,
  ),
  column(
    'string',
    { warehouse: 'gen_ai_dialect', lake: 'GenAiDialect' },
    'convention that the emitter spoke',
    ({ ledger }) => ledger.dialect,
  ),
  column(
    'int64',
    { warehouse: 'cost_lower_pico_usd', lake: 'CostLowerPicoUsd' },
    'least that an ambiguous cost can be, in 1e-12 USD',
    ({ ledger }) => ledger.costLowerPicoUsd,
    true,
  ),
  column(
    'int64',
    { warehouse: 'cost_upper_pico_usd', lake: 'CostUpperPicoUsd' },
    'most that an ambiguous cost can be, in 1e-12 USD',
    ({ ledger }) => ledger.costUpperPicoUsd,
    true,
  ),
  column(
    'int64',
    { warehouse: 'reported_cost_pico_usd', lake: 'ReportedCostPicoUsd' },
    "the emitter's own figure, in 1e-12 USD, beside ours",
    ({ ledger }) => ledger.reportedCostPicoUsd,
    true,
  ),
  column(
    'int64',
    { warehouse: 'ledger_revision', lake: 'LedgerRevision' },
    '0 as first priced; of a correction, when it was made, microseconds since 1970',
    ({ ledger }) => ledger.revision,
  ),
  column(
    'int64',
    { warehouse: 'span_bytes' },
    'about how much memory the span takes once it is read, by which answers are bounded; NULL if not known',
    ({ span }) => spanBytes(span),
    true,
  ),
  column(
    'string',
    { warehouse: 'key_id', lake: 'KeyId' },
    "id of the API key that sent the span; '' where none was needed, NULL where it is not known",
    (_, context) => context.keyId ?? null,
    true,
  ),
]

/** DuckDB takes the greatest nanosecond for infinity, to which nothing can be added. */
const INFINITY_NANOS = 2n ** 63n - 1n

function endFollows(span: Span): boolean {
  const { startTimeUnixNano, endTimeUnixNano } = span
  return startTimeUnixNano + durationNanos(span) === endTimeUnixNano && endTimeUnixNano < INFINITY_NANOS
}

/** The warehouse's order of columns; those not named follow in the order of {@link COLUMNS}. */
const WAREHOUSE_ORDER =
  'project_id trace_id span_id parent_span_id name kind service_name start_time end_time duration_ns status status_message ' +
  'gen_ai_operation gen_ai_provider gen_ai_model gen_ai_input_tokens gen_ai_output_tokens gen_ai_total_tokens ' +
  'gen_ai_cache_read_tokens gen_ai_cache_write_tokens gen_ai_reasoning_tokens gen_ai_cost_usd cost_pico_usd cost_status ' +
  'price_version receipt user_id session_id environment attributes resource_attributes events links scope_name ' +
  'scope_version ingested_at digest'

export type WarehouseColumn = Column & { readonly warehouse: string }
export type LakeColumn = Column & { readonly lake: string }

/** The columns of the warehouse's table `spans`, in order. */
export const WAREHOUSE_COLUMNS: readonly WarehouseColumn[] = warehouseColumns()

/** The columns of the lake's files, in order. */
export const LAKE_COLUMNS: readonly LakeColumn[] = COLUMNS.filter(
  (column): column is LakeColumn => column.lake !== undefined,
)

function warehouseColumns(): WarehouseColumn[] {
  const order = WAREHOUSE_ORDER.split(' ')
  const named = COLUMNS.filter((column): column is WarehouseColumn => column.warehouse !== undefined)
  const rank = (column: WarehouseColumn) => {
    const index = order.indexOf(column.warehouse)
    return index < 0 ? order.length + named.indexOf(column) : index
  }
  return named.toSorted((a, b) => rank(a) - rank(b))
}
