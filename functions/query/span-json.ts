import { z } from '@hono/zod-openapi'
import { type Conversation, readConversation } from '../../shared/genai/conversation.ts'
import type { Message } from '../../shared/genai/messages/message.ts'
import { costJson, costSchema } from '../../shared/http/money.ts'
import { formatTime } from '../../shared/http/time.ts'
import { COST_STATUSES } from '../../shared/spans/ledger.ts'
import { durationNanos, SPAN_KINDS, STATUS_CODES, serviceName } from '../../shared/spans/span.ts'
import type { StoredSpan } from '../../shared/warehouse/trace-store.ts'
import { attributesJson } from './attribute-json.ts'
import { countJson, countSchema, usageJson, usageSchema } from './usage-json.ts'

const attributesSchema = z.record(z.string(), z.unknown()).meta({
  description: 'plain JSON; int64 from 2^53 on, NaN and infinities as text, bytes in base64',
})
const timeSchema = z
  .string()
  .meta({ description: 'RFC 3339, up to nanoseconds', example: '2026-01-31T09:30:00.123456789Z' })

const messageSchema = z
  .object({
    role: z.string(),
    parts: z.array(z.looseObject({ type: z.string() })),
    finish_reason: z.string().optional(),
  })
  .meta({
    id: 'Message',
    description:
      "in the form of OpenTelemetry's gen_ai.input.messages and gen_ai.output.messages; blobs without their data",
  })

export const spanSchema = z
  .object({
    traceId: z.string(),
    spanId: z.string(),
    parentSpanId: z.string().meta({ description: 'empty for a root' }),
    name: z.string(),
    kind: z.enum(SPAN_KINDS),
    serviceName: z.string(),
    startTime: timeSchema,
    endTime: timeSchema.nullable().meta({ description: 'null for a span that has not ended' }),
    durationNs: countSchema,
    status: z.enum(STATUS_CODES),
    statusMessage: z.string(),
    operation: z.string().meta({ description: 'empty if it is no GenAI call' }),
    provider: z.string(),
    model: z.string(),
    usage: usageSchema,
    cost: costSchema.extend({
      status: z.enum(COST_STATUSES),
      priceVersion: z.string().meta({ description: 'catalogue that priced it' }),
    }),
    reportedCost: costSchema.meta({ description: 'what the emitter said that it cost; in no sum' }),
    conversationId: z.string(),
    finishReasons: z.array(z.string()).meta({ description: "in OpenTelemetry's words where it has one" }),
    messages: z
      .object({ input: z.array(messageSchema), output: z.array(messageSchema) })
      .optional()
      .meta({
        description: 'of a GenAI call, where `include=messages` asks for them',
      }),
    receipt: z.unknown().meta({ description: 'line items of the cost; null without one' }),
    userId: z.string(),
    sessionId: z.string(),
    environment: z.string(),
    keyId: z.string().meta({ description: 'id of the API key that sent it; empty without one' }),
    attributes: attributesSchema,
    resourceAttributes: attributesSchema,
    events: z.array(z.object({ time: timeSchema, name: z.string(), attributes: attributesSchema })),
    links: z.array(
      z.object({ traceId: z.string(), spanId: z.string(), traceState: z.string(), attributes: attributesSchema }),
    ),
    scope: z.object({ name: z.string(), version: z.string(), attributes: attributesSchema }),
    traceState: z.string(),
    flags: z.number().int(),
    ingestedAt: timeSchema,
  })
  .meta({ id: 'Span' })

export interface SpanJsonOptions {
  /** Whether to show what was said. */
  readonly messages?: boolean
}

export function spanJson(
  { span, ledger, context }: StoredSpan,
  { messages = false }: SpanJsonOptions = {},
): z.input<typeof spanSchema> {
  const said = readConversation(span, { messages })
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId,
    name: span.name,
    kind: span.kind,
    serviceName: serviceName(span),
    startTime: formatTime(span.startTimeUnixNano),
    endTime: endTimeJson(span.endTimeUnixNano),
    durationNs: countJson(durationNanos(span)),
    status: span.statusCode,
    statusMessage: span.statusMessage,
    operation: ledger.operation,
    provider: ledger.provider,
    model: ledger.model,
    usage: usageJson(ledger),
    cost: { ...costJson(ledger.costPicoUsd), status: ledger.costStatus, priceVersion: ledger.priceVersion },
    reportedCost: costJson(ledger.reportedCostPicoUsd),
    conversationId: said?.conversationId ?? '',
    finishReasons: [...(said?.finishReasons ?? [])],
    ...(messages && said && { messages: messagesJson(said) }),
    receipt: receiptJson(ledger.receipt),
    userId: ledger.userId,
    sessionId: ledger.sessionId,
    environment: ledger.environment,
    keyId: context.keyId ?? '',
    attributes: attributesJson(span.attributes),
    resourceAttributes: attributesJson(span.resource.attributes),
    events: span.events.map(({ timeUnixNano, name, attributes }) => ({
      time: formatTime(timeUnixNano),
      name,
      attributes: attributesJson(attributes),
    })),
    links: span.links.map(({ traceId, spanId, traceState, attributes }) => ({
      traceId,
      spanId,
      traceState,
      attributes: attributesJson(attributes),
    })),
    scope: { name: span.scope.name, version: span.scope.version, attributes: attributesJson(span.scope.attributes) },
    traceState: span.traceState,
    flags: span.flags,
    ingestedAt: formatTime(context.ingestedAt),
  }
}

function messagesJson({ inputMessages, outputMessages }: Conversation) {
  const json = (messages: readonly Message[]) => messages.map((message) => ({ ...message, parts: [...message.parts] }))
  return { input: json(inputMessages), output: json(outputMessages) }
}

/** A span that has not ended has the end 0. */
export function endTimeJson(endTimeUnixNano: bigint): string | null {
  return endTimeUnixNano === 0n ? null : formatTime(endTimeUnixNano)
}

/** A receipt that is no JSON is shown as the text it is: one bad row must not hide the page it is on. */
function receiptJson(receipt: string): unknown {
  if (receipt === '') return null
  try {
    return JSON.parse(receipt)
  } catch {
    return receipt
  }
}
