import type { Authenticate } from '../../shared/auth/authenticate.ts'
import type { Bus } from '../../shared/bus/bus.ts'
import { isSpanledgerError, SpanledgerError } from '../../shared/errors.ts'
import { type ByteStream, readBody } from '../../shared/http/body.ts'
import type { Log } from '../../shared/log.ts'
import { decodeTracesJson } from '../../shared/otlp/decode-json.ts'
import { decodeTraces } from '../../shared/otlp/decode-protobuf.ts'
import type { OtlpLimits } from '../../shared/otlp/limits.ts'
import {
  describeRejections,
  ENCODINGS,
  encodeResponse,
  encodeStatus,
  type OtlpEncoding,
  RPC_CODES,
  type RpcCode,
} from '../../shared/otlp/response.ts'
import { toMessages } from './messages.ts'
import { validTraceparent } from './traceparent.ts'

const RETRY_AFTER_SECONDS = '1'
const MAX_IN_FLIGHT_BYTES = 256 * 1024 * 1024

/** What `ingest` works with. */
export interface IngestOptions {
  readonly bus: Pick<Bus, 'publish'>
  readonly authenticate: Authenticate
  readonly limits: OtlpLimits
  /** Of a body as sent, and again of what it decompresses to. */
  readonly maxBodyBytes: number
  /** Of all bodies being taken at once, sent and decompressed; beyond it requests are told to come back. 256 MiB by default. */
  readonly maxInFlightBytes?: number
  /** Nanoseconds since 1970. */
  readonly now: () => bigint
  readonly log?: Log
}

/** A request to `/v1/traces`, from whichever server. */
export interface IngestRequest {
  readonly method: string
  /** Null where absent; any case of `name`. */
  header(name: string): string | null
  /** As it was sent, compressed or not. */
  readonly body: ByteStream | null
}

export interface IngestResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** The OTLP edge: never rejects. A 200 means that every span it does not call rejected is durable on the bus. */
export type Ingest = (request: IngestRequest) => Promise<IngestResponse>

/** Answers `POST /v1/traces` on any server: what the Hono app and a bundled function share. */
export function createIngest(options: IngestOptions): Ingest {
  const { bus, authenticate, limits, maxBodyBytes, maxInFlightBytes = MAX_IN_FLIGHT_BYTES, now, log } = options
  let inFlight = 0
  const accept = async (
    request: IngestRequest,
    encoding: OtlpEncoding,
    hold: (bytes: number) => void,
  ): Promise<IngestResponse> => {
    const { project, keyId } = await authenticate(request.header('authorization'), 'ingest')
    const headers = {
      contentEncoding: request.header('content-encoding'),
      contentLength: request.header('content-length'),
    }
    const body = await readBody(request.body, headers, { maxBytes: maxBodyBytes, hold })
    const decode = encoding === 'json' ? decodeTracesJson : decodeTraces
    const traces = decode(body, limits, { strip: true })
    const traceparent = validTraceparent(request.header('traceparent'))
    const messages = toMessages(traces, { project, ingestedAt: now(), traceparent, keyId, body })
    if (messages.length > 0) await bus.publish('spans', messages)
    const partial = describeRejections(traces.rejected, traces.examples)
    return answer(200, encoding, encodeResponse(encoding, partial))
  }
  return async (request) => {
    const encoding = parseContentType(request.header('content-type'))
    if (request.method !== 'POST')
      return refuse(405, encoding ?? 'json', 'otlp: only POST is answered here', { allow: 'POST' })
    if (encoding === undefined) {
      const types = Object.values(ENCODINGS).join(' or ')
      return refuse(415, 'json', `otlp: send ${types}`, { accept: Object.values(ENCODINGS).join(', ') })
    }
    let held = 0
    const hold = (bytes: number) => {
      held += bytes
      inFlight += bytes
      // One alone is always taken: its own bound holds.
      if (inFlight > maxInFlightBytes && inFlight > held) {
        throw new SpanledgerError('bus/full', 'too many requests at once: come back later')
      }
    }
    try {
      return await accept(request, encoding, hold)
    } catch (error) {
      return answerError(error, encoding, log)
    } finally {
      inFlight -= held
    }
  }
}

/** What senders of other signals turn off: what SDKs send besides traces, unless told otherwise. */
const TURN_OFF: Readonly<Record<string, string>> = {
  '/v1/metrics': ': set OTEL_METRICS_EXPORTER=none',
  '/v1/logs': ': set OTEL_LOGS_EXPORTER=none',
}

/** Answers what is sent to any other `path`: 404 in the request's encoding, which is what an exporter logs. */
export function refusePath(path: string, { header }: Pick<IngestRequest, 'header'>): IngestResponse {
  const encoding = parseContentType(header('content-type')) ?? 'json'
  return refuse(404, encoding, `otlp: only traces are taken, at /v1/traces${TURN_OFF[path] ?? ''}`)
}

/** The encoding that a `Content-Type` names, whatever its parameters; undefined for others. */
function parseContentType(header: string | null): OtlpEncoding | undefined {
  const type = (header ?? '').split(';', 1)[0]!.trim().toLowerCase()
  if (type === ENCODINGS.protobuf || type === 'application/protobuf') return 'protobuf'
  return type === ENCODINGS.json ? 'json' : undefined
}

function answerError(error: unknown, encoding: OtlpEncoding, log: Log | undefined): IngestResponse {
  if (!(error instanceof SpanledgerError)) {
    log?.error({ err: error }, 'ingest failed')
    return refuse(500, encoding, 'otlp: internal error: try again')
  }
  switch (error.code) {
    case 'otlp/malformed':
      return refuse(400, encoding, error.message)
    case 'otlp/too-large':
      return refuse(413, encoding, error.message)
    case 'otlp/unsupported-encoding':
      return refuse(415, encoding, error.message, { 'accept-encoding': 'gzip, deflate, zstd, identity' })
    case 'auth/missing':
    case 'auth/invalid':
      return refuse(401, encoding, error.message, { 'www-authenticate': 'Bearer' })
    case 'auth/forbidden':
      return refuse(403, encoding, error.message)
  }
  log?.warn({ code: error.code }, `ingest refuses: ${error.message}`)
  const isKnown = isSpanledgerError(error, 'bus/full') || isSpanledgerError(error, 'bus/unavailable')
  const message = isKnown ? error.message : 'otlp: cannot take spans at the moment'
  return refuse(503, encoding, message, { 'retry-after': RETRY_AFTER_SECONDS })
}

const CODES: Readonly<Record<number, RpcCode>> = {
  400: RPC_CODES.invalidArgument,
  401: RPC_CODES.unauthenticated,
  403: RPC_CODES.permissionDenied,
  404: RPC_CODES.unimplemented,
  405: RPC_CODES.unimplemented,
  413: RPC_CODES.resourceExhausted,
  415: RPC_CODES.invalidArgument,
  503: RPC_CODES.unavailable,
}

function refuse(
  status: number,
  encoding: OtlpEncoding,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): IngestResponse {
  return answer(status, encoding, encodeStatus(encoding, CODES[status] ?? RPC_CODES.internal, message), headers)
}

function answer(
  status: number,
  encoding: OtlpEncoding,
  body: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): IngestResponse {
  return { status, headers: { ...headers, 'content-type': ENCODINGS[encoding] }, body }
}
