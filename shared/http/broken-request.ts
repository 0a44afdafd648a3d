import type { Duplex } from 'node:stream'
import type { ErrorCode } from '../errors.ts'
import { problemBody } from './problem.ts'

interface Refusal {
  readonly status: number
  readonly code: ErrorCode
  readonly detail: string
}

/** What a client gets to finish sending, and to read the answer. */
const DRAIN_MS = 1_000

/** By what Node says. */
const REFUSALS: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: {
    status: 431,
    code: 'http/too-large',
    detail: 'http: URL and headers are more than 16 KiB together; ask for less at once',
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    code: 'http/timeout',
    detail: 'http: the request took too long to arrive; send it again',
  },
}
const MALFORMED: Refusal = {
  status: 400,
  code: 'http/malformed',
  detail: 'http: this is not HTTP that can be read; of OTLP send http/protobuf or http/json, not grpc',
}

/** Node links the answer that is under way to its socket. What is begun can only be broken off. */
interface AnsweringSocket extends Duplex {
  readonly _httpMessage?: { readonly headersSent: boolean } | null
}

/**
 * Answers, as a listener of a server's `clientError`, what Node cannot read as a request: with no word of what it is, a person would look
 * for it in the server.
 */
export function answerBrokenRequest(error: NodeJS.ErrnoException, socket: AnsweringSocket): void {
  // What comes after an answer is read and dropped: were the connection closed on it, the answer would be lost with it.
  if (socket.writableEnded) return
  if (!socket.writable || socket._httpMessage?.headersSent) {
    socket.destroy()
    return
  }
  const { status, code, detail } = REFUSALS[error.code ?? ''] ?? MALFORMED
  const body = problemBody(status, detail, { code })
  const text = JSON.stringify(body)
  const head = [
    `HTTP/1.1 ${status} ${body.title}`,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(text)}`,
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${text}`)
  setTimeout(() => socket.destroy(), DRAIN_MS).unref()
}
