import { attributesToOtlpJson } from './attribute-text.ts'
import type { Span, SpanEvent, SpanLink } from './span.ts'

/** Events as OTLP/JSON text; null if there are none. */
export function eventsJson(events: readonly SpanEvent[]): string | null {
  if (events.length === 0) return null
  return JSON.stringify(
    events.map((event) => ({
      timeUnixNano: event.timeUnixNano.toString(),
      name: event.name,
      attributes: attributesToOtlpJson(event.attributes),
      ...(event.droppedAttributesCount > 0 && { droppedAttributesCount: event.droppedAttributesCount }),
    })),
  )
}

/** Links as OTLP/JSON text; null if there are none. */
export function linksJson(links: readonly SpanLink[]): string | null {
  if (links.length === 0) return null
  return JSON.stringify(
    links.map((link) => ({
      traceId: link.traceId,
      spanId: link.spanId,
      ...(link.traceState !== '' && { traceState: link.traceState }),
      attributes: attributesToOtlpJson(link.attributes),
      ...(link.droppedAttributesCount > 0 && { droppedAttributesCount: link.droppedAttributesCount }),
      ...(link.flags !== 0 && { flags: link.flags }),
    })),
  )
}

/** The rarely set rest of OTLP as JSON text: scope attributes, schema URLs, dropped counts; null if none is set. */
export function envelopeJson(span: Span): string | null {
  const { resource, scope } = span
  if (
    span.droppedAttributesCount === 0 &&
    span.droppedEventsCount === 0 &&
    span.droppedLinksCount === 0 &&
    resource.droppedAttributesCount === 0 &&
    resource.schemaUrl === '' &&
    scope.attributes.size === 0 &&
    scope.droppedAttributesCount === 0 &&
    scope.schemaUrl === ''
  )
    return null
  return JSON.stringify({
    droppedAttributesCount: span.droppedAttributesCount || undefined,
    droppedEventsCount: span.droppedEventsCount || undefined,
    droppedLinksCount: span.droppedLinksCount || undefined,
    resourceDroppedAttributesCount: resource.droppedAttributesCount || undefined,
    resourceSchemaUrl: resource.schemaUrl || undefined,
    scopeAttributes: scope.attributes.size > 0 ? attributesToOtlpJson(scope.attributes) : undefined,
    scopeDroppedAttributesCount: scope.droppedAttributesCount || undefined,
    scopeSchemaUrl: scope.schemaUrl || undefined,
  })
}
