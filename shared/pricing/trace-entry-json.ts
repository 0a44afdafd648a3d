import type { GenAiCall } from '../genai/call.ts'
import { sameUsage, type Usage } from '../genai/usage.ts'
import { usageOf } from './slice.ts'
import type { KeptUsage, TraceEntry } from './trace-state.ts'

/** What a call says that says nothing: such members are left out. */
const SILENT: Omit<GenAiCall, 'resolution'> = {
  dialect: '',
  operation: '',
  composite: false,
  summary: false,
  provider: '',
  requestModel: '',
  responseModel: '',
  responseId: '',
  serviceTier: '',
  agentName: '',
  toolName: '',
  reportedCostUsd: undefined,
  userId: '',
  sessionId: '',
  environment: '',
}

interface UsageJson {
  readonly id: string
  readonly call: Pick<GenAiCall, 'resolution'> & Partial<GenAiCall>
  readonly name: string
  readonly kind: KeptUsage['kind']
  readonly service: string
  readonly start: string
  readonly end: string
  /** Absent where it bills all that it reports. */
  readonly billed?: Usage
}

/** An entry as text for a store. */
export function traceEntryToJson({ digest, links, usages, corrections }: TraceEntry): string {
  return JSON.stringify({
    digest,
    links: [...links].map(([spanId, { parent, tool }]) => (tool ? [spanId, parent, 1] : [spanId, parent])),
    usages: usages.map(usageToJson),
    corrections,
  })
}

/** The inverse of {@link traceEntryToJson}. */
export function traceEntryFromJson(text: string): TraceEntry {
  const { digest, links, usages, corrections } = JSON.parse(text)
  return {
    digest,
    links: new Map(links.map(([spanId, parent, tool]: [string, string, 1?]) => [spanId, { parent, tool: tool === 1 }])),
    usages: usages.map(usageFromJson),
    corrections,
  }
}

function usageToJson(usage: KeptUsage): UsageJson {
  const { spanId, call, name, kind, service, startTimeUnixNano, endTimeUnixNano, billed } = usage
  const said = Object.entries(call).filter(([member, value]) => SILENT[member as keyof typeof SILENT] !== value)
  return {
    id: spanId,
    call: Object.fromEntries(said) as unknown as GenAiCall,
    name,
    kind,
    service,
    start: startTimeUnixNano.toString(),
    end: endTimeUnixNano.toString(),
    ...(!sameUsage(billed, usageOf(call)) && { billed }),
  }
}

function usageFromJson({ id, call, name, kind, service, start, end, billed }: UsageJson): KeptUsage {
  const whole = { ...SILENT, ...call }
  return {
    spanId: id,
    call: whole,
    name,
    kind,
    service,
    startTimeUnixNano: BigInt(start),
    endTimeUnixNano: BigInt(end),
    billed: billed ?? usageOf(whole),
  }
}
