import {
  type ClientHttp2Session,
  connect,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2'
import type { AddressInfo } from 'node:net'

/** gRPC's codes that a service answers when it cannot now. */
export const GRPC = { DEADLINE_EXCEEDED: 4, PERMISSION_DENIED: 7, RESOURCE_EXHAUSTED: 8, ABORTED: 10, UNAVAILABLE: 14 }

/** A call as it came. */
export interface GrpcCall {
  /** `Publish`, `Commit`, … */
  readonly method: string
  readonly bytes: number
}

/** What a call is answered instead: before it reaches the server, or though the server has done it. */
export interface GrpcFault {
  readonly code: number
  readonly when: 'before' | 'after'
}

/** A server in front of an emulator that answers with real status codes over real HTTP/2. */
export interface GrpcProxy {
  /** `host:port`. */
  readonly host: string
  readonly calls: GrpcCall[]
  /** Consulted before each call; undefined lets it pass. */
  fault: (call: GrpcCall) => GrpcFault | undefined
  close(): Promise<void>
}

/** Starts a proxy of the gRPC server at `upstream` (`host:port`) on a free port. Calls whose client goes on sending are not for it. */
export async function startGrpcProxy(upstream: string): Promise<GrpcProxy> {
  const server = createServer()
  const sessions = new Set<{ destroy(): void }>()
  let client: ClientHttp2Session | undefined
  const connected = () => {
    if (client === undefined || client.closed || client.destroyed)
      client = connect(`http://${upstream}`).on('error', () => {})
    return client
  }
  server.on('session', (session) => sessions.add(session))
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {})
    serve(stream, headers).catch(() => stream.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

  const proxy: GrpcProxy = {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls: [],
    fault: () => undefined,
    async close() {
      for (const session of sessions) session.destroy()
      client?.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
  return proxy

  async function serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    const body = await read(stream)
    const call = { method: String(headers[':path']).replace(/^.*\//, ''), bytes: body.length }
    proxy.calls.push(call)
    const fault = proxy.fault(call)
    if (fault?.when === 'before') return refuse(stream, fault.code)
    const { ':authority': _, host: __, ...forwarded } = headers
    const request = connected().request(forwarded)
    request.end(body)
    const answer = await receive(request)
    if (fault !== undefined) return refuse(stream, fault.code)
    // A server that has nothing but a status to say says it in its headers.
    if (answer.headers['grpc-status'] !== undefined) return stream.respond(answer.headers, { endStream: true })
    stream.respond(answer.headers, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers(answer.trailers))
    stream.end(answer.body)
  }
}

function refuse(stream: ServerHttp2Stream, code: number): void {
  const headers = { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': code, 'grpc-message': 'on cue' }
  stream.respond(headers, { endStream: true })
}

async function receive(request: ReturnType<ClientHttp2Session['request']>) {
  let headers: IncomingHttpHeaders = {}
  let trailers: IncomingHttpHeaders = {}
  request.on('response', (received) => {
    headers = received
  })
  request.on('trailers', (received) => {
    trailers = received
  })
  const body = await read(request)
  return { headers, trailers, body }
}

async function read(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
