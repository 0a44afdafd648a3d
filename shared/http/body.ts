import { promisify } from 'node:util'
import zlib from 'node:zlib'
import { SpanledgerError } from '../errors.ts'

/** Of one chunk of output: small bodies stay small, and large ones do not come in thousands of pieces. */
const MIN_CHUNK_BYTES = 16 * 1024
const MAX_CHUNK_BYTES = 512 * 1024
/** As a power of two, in bytes: what a zstd frame may make us set aside before a byte of it is read (8 MiB as RFC 9659 asks). */
const MAX_ZSTD_WINDOW = 23

// Not their synchronous forms: those leave the native state of a broken body to the garbage collector, which comes too late.
const gunzip = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.gunzip)
const inflate = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.inflate)
const inflateRaw = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.inflateRaw)
const zstdDecompress = promisify<Buffer, zlib.ZstdOptions, Buffer>(zlib.zstdDecompress)

/** The headers that say how a body was sent; null where absent. */
export interface BodyHeaders {
  readonly contentEncoding: string | null
  readonly contentLength: string | null
}

/** The pieces of a body, as a stream or at hand. */
export type ByteStream = AsyncIterable<Uint8Array> | Iterable<Uint8Array>

/** A `Content-Encoding` that {@link readBody} undoes. */
export type ContentEncoding = 'identity' | 'gzip' | 'deflate' | 'zstd'

/** The encoding that a header names; throws `otlp/unsupported-encoding` for others and for several at once. */
export function parseContentEncoding(header: string | null): ContentEncoding {
  const name = (header ?? '').trim().toLowerCase()
  if (name === '') return 'identity'
  if (name === 'x-gzip') return 'gzip'
  if (name === 'identity' || name === 'gzip' || name === 'deflate' || name === 'zstd') return name
  throw new SpanledgerError('otlp/unsupported-encoding', 'send the body as gzip, deflate, zstd or identity')
}

/** How much a body may take. */
export interface BodyBounds {
  /** As sent, and again decompressed. */
  readonly maxBytes: number
  /** Hears of memory as it is taken, in bytes; what it throws ends the reading. */
  readonly hold?: (bytes: number) => void
}

/**
 * Reads a request body and undoes its encoding. Never holds more than `maxBytes` as sent and as much again decompressed: throws
 * `otlp/too-large` as soon as there would be more, `otlp/malformed` for a broken encoding, `otlp/unsupported-encoding`.
 */
export async function readBody(
  body: ByteStream | null,
  { contentEncoding, contentLength }: BodyHeaders,
  bounds: BodyBounds,
): Promise<Uint8Array> {
  const encoding = parseContentEncoding(contentEncoding)
  if (contentLength !== null && Number(contentLength) > bounds.maxBytes) throw tooLarge(bounds.maxBytes)
  const sent = await collect(body, bounds)
  const data = await decompress(sent, encoding, bounds)
  if (data !== sent) bounds.hold?.(data.length)
  return data
}

async function collect(body: ByteStream | null, { maxBytes, hold }: BodyBounds): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of body ?? []) {
      size += chunk.length
      // Leaving the loop cancels the stream.
      if (size > maxBytes) throw tooLarge(maxBytes)
      hold?.(chunk.length)
      chunks.push(chunk)
    }
  } catch (error) {
    if (error instanceof SpanledgerError) throw error
    throw new SpanledgerError('otlp/malformed', 'the body was cut off', { cause: error })
  }
  const [first] = chunks
  if (chunks.length === 1 && first !== undefined) return Buffer.from(first.buffer, first.byteOffset, first.byteLength)
  return Buffer.concat(chunks, size)
}

/**
 * Undoes `encoding`; stops, and throws `otlp/too-large`, once more than `maxBytes` come out. An empty body stays empty. One
 * body at a time, so that no crowd of small ones is in the middle of growing large at once.
 */
export async function decompress(
  data: Buffer,
  encoding: ContentEncoding,
  { maxBytes }: { readonly maxBytes: number },
): Promise<Uint8Array> {
  if (data.length > maxBytes) throw tooLarge(maxBytes)
  if (encoding === 'identity' || data.length === 0) return data
  const chunkSize = Math.min(Math.max(data.length * 4, MIN_CHUNK_BYTES), MAX_CHUNK_BYTES)
  try {
    return await inTurn(() => decompressNow(data, encoding, { maxOutputLength: maxBytes, chunkSize }))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(maxBytes)
    throw new SpanledgerError('otlp/malformed', `the body is not ${encoding}, or cut off`, { cause: error })
  }
}

let lastTurn: Promise<unknown> = Promise.resolve()

function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const turn = lastTurn.then(work)
  lastTurn = turn.catch(() => {})
  return turn
}

function decompressNow(
  data: Buffer,
  encoding: Exclude<ContentEncoding, 'identity'>,
  options: { readonly maxOutputLength: number; readonly chunkSize: number },
): Promise<Buffer> {
  switch (encoding) {
    case 'gzip':
      return gunzip(data, options)
    case 'deflate':
      return (isZlib(data) ? inflate : inflateRaw)(data, options)
    case 'zstd':
      return zstdDecompress(data, {
        ...options,
        params: { [zlib.constants.ZSTD_d_windowLogMax]: MAX_ZSTD_WINDOW },
      })
  }
}

/** HTTP's deflate is zlib's format; some senders leave its header off. */
function isZlib(data: Buffer): boolean {
  return data.length >= 2 && (data[0]! & 0x0f) === 8 && data.readUInt16BE(0) % 31 === 0
}

function tooLarge(maxBytes: number): SpanledgerError {
  return new SpanledgerError('otlp/too-large', `more than ${maxBytes} bytes: send smaller batches`)
}
