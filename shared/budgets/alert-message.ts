import type { Delivery, Message } from '../bus/bus.ts'
import { SpanledgerError } from '../errors.ts'
import { decodeSpans } from '../otlp/batch.ts'
import { encodeTraces } from '../otlp/encode.ts'
import { type AttributeValue, NO_ATTRIBUTES } from '../spans/attributes.ts'
import type { Span } from '../spans/span.ts'
import { UNITS, type Unit } from './amount.ts'
import type { Alert } from './ledger.ts'

/** The span of an alert on the bus, which speaks OTLP: any tracing tool can subscribe to `budget-alerts`. */
const SPAN_NAME = 'budget.threshold'
const NANOS_PER_MILLI = 1_000_000n

/** `alert` as a message of `budget-alerts`: the same one each time, so that publishing it again is harmless. */
export function alertMessage(alert: Alert): Message {
  const at = BigInt(alert.at) * NANOS_PER_MILLI
  const attributes = new Map<string, AttributeValue>([
    ['budget.alert.id', alert.id],
    ['budget.id', alert.budgetId],
    ['budget.period', alert.period],
    ['budget.threshold', alert.threshold],
    ['budget.unit', alert.unit],
    ['budget.spent', alert.spent],
    ['budget.allowance', alert.allowance],
  ])
  if (alert.resetsAt !== null) attributes.set('budget.resets_at', BigInt(alert.resetsAt))
  const common = { attributes: NO_ATTRIBUTES, droppedAttributesCount: 0, schemaUrl: '' }
  const span: Span = {
    traceId: alert.id.slice(0, 32),
    spanId: alert.id.slice(32, 48),
    parentSpanId: '',
    traceState: '',
    flags: 0,
    name: SPAN_NAME,
    kind: 'INTERNAL',
    startTimeUnixNano: at,
    endTimeUnixNano: at,
    attributes,
    droppedAttributesCount: 0,
    events: [],
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    statusCode: 'UNSET',
    statusMessage: '',
    resource: { ...common, attributes: new Map([['service.name', 'spanledger']]) },
    scope: { ...common, name: 'spanledger', version: '' },
  }
  const { project, id: digest } = alert
  return {
    data: encodeTraces([span]),
    attributes: { project, digest, spans: 1, ingestedAt: String(at), traceparent: '' },
  }
}

/** The alert in a message of `budget-alerts`; throws `otlp/malformed` for any other message. */
export function alertFromMessage({ data, attributes: { project } }: Delivery): Alert {
  const span = decodeSpans(data)[0]
  const text = (key: string) => String(span?.attributes.get(key) ?? '')
  const int = (key: string) => span?.attributes.get(key)
  const unit = UNITS.find((name): name is Unit => name === text('budget.unit'))
  const spent = int('budget.spent')
  const allowance = int('budget.allowance')
  const resetsAt = int('budget.resets_at')
  if (span?.name !== SPAN_NAME || unit === undefined || typeof spent !== 'bigint' || typeof allowance !== 'bigint') {
    throw new SpanledgerError('otlp/malformed', 'a message of budget-alerts holds no alert')
  }
  return {
    id: text('budget.alert.id'),
    project,
    budgetId: text('budget.id'),
    period: text('budget.period'),
    threshold: Number(span.attributes.get('budget.threshold')),
    unit,
    spent,
    allowance,
    at: Number(span.startTimeUnixNano / NANOS_PER_MILLI),
    resetsAt: typeof resetsAt === 'bigint' ? Number(resetsAt) : null,
  }
}
