import type { AttributeValue } from '../../spans/attributes.ts'
import { attributeAsJson, type Json, parseJson } from './json.ts'

const MAX_REASONS = 128
const MAX_LENGTH = 128
const MAX_TEXT = MAX_REASONS * MAX_LENGTH

/** OpenTelemetry's reasons, and what providers and SDKs call the same thing. */
const REASONS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    stop: ['end_turn', 'stop_sequence', 'complete', 'completed', 'eos', 'eos_token', 'end'],
    length: ['max_tokens', 'max_output_tokens'],
    content_filter: [
      'content_filtered',
      'guardrail_intervened',
      'safety',
      'refusal',
      'recitation',
      'blocklist',
      'prohibited_content',
      'spii',
      'image_safety',
    ],
    tool_call: ['tool_calls', 'tool_use', 'function_call'],
    error: ['malformed_function_call', 'failed'],
  }).flatMap(([reason, aliases]) => [reason, ...aliases].map((alias) => [alias, reason] as const)),
)

/** A finish reason in OpenTelemetry's words where it has one for it; else as sent, cut at 128 characters. */
export function normaliseFinishReason(said: string): string {
  const words = said.slice(0, MAX_LENGTH).replaceAll(/[a-z](?=[A-Z])/g, '$&_')
  const name = words.toLowerCase().replaceAll('-', '_')
  return REASONS.get(name) ?? REASONS.get(name.slice(name.lastIndexOf('.') + 1)) ?? said.slice(0, MAX_LENGTH)
}

/** The finish reasons in an attribute: a list, the JSON text of one, or text with commas between them. */
export function readFinishReasons(value: AttributeValue | undefined): string[] {
  if (value === undefined) return []
  const json: Json | undefined =
    typeof value === 'string' ? (parseJson(value) ?? value.slice(0, MAX_TEXT).split(',')) : attributeAsJson(value)
  const list = Array.isArray(json) ? (json as readonly Json[]) : []
  return list
    .flatMap((item) => (typeof item === 'string' && item.trim() !== '' ? [normaliseFinishReason(item.trim())] : []))
    .slice(0, MAX_REASONS)
}
