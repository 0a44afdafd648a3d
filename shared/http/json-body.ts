import { isUtf8 } from 'node:buffer'
import type { MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { type ErrorCode, SpanledgerError } from '../errors.ts'
import { problem } from './problem.ts'

export interface JsonBodyOptions {
  readonly maxBytes: number
  /** Of the answer to a body that is larger. */
  readonly code: ErrorCode
}

/**
 * What a body of JSON passes before it is read: it is within its bound (else 413), throws `http/unsupported-media-type` where it is
 * compressed, and `http/malformed` where it is no UTF-8, which would be read all the same, with U+FFFD for what is broken, so that two
 * names become one.
 */
export function checkJsonBody({ maxBytes, code }: JsonBodyOptions): [MiddlewareHandler, MiddlewareHandler] {
  const refuseBrokenText: MiddlewareHandler = async (c, next) => {
    const encoding = c.req.header('content-encoding') ?? 'identity'
    if (encoding.toLowerCase() !== 'identity')
      throw new SpanledgerError('http/unsupported-media-type', 'send the body as it is, without content-encoding')
    if (c.req.raw.body !== null && !isUtf8(await c.req.arrayBuffer()))
      throw new SpanledgerError('http/malformed', 'the body is not valid UTF-8')
    await next()
  }
  const domain = code.slice(0, code.indexOf('/'))
  const onError = () => problem(413, `${domain}: a body has at most ${maxBytes} bytes`, { code })
  return [bodyLimit({ maxSize: maxBytes, onError }), refuseBrokenText]
}
