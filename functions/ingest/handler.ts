import { type Context, Hono, type HonoRequest } from 'hono'
import { createIngest, type IngestOptions, type IngestResponse, refusePath } from './ingest.ts'

export type { IngestOptions } from './ingest.ts'

/** `POST /v1/traces` as a Hono app: OTLP/HTTP in both encodings, acknowledged once durable on the bus. */
export function createIngestApp(options: IngestOptions): Hono {
  const ingest = createIngest(options)
  const app = new Hono()
  app.all('/v1/traces', async ({ req }) => {
    const header = (name: string) => req.raw.headers.get(name)
    return toResponse(req, await ingest({ method: req.method, header, body: req.raw.body }))
  })
  const refuse = ({ req }: Context) =>
    toResponse(req, refusePath(req.path, { header: (name) => req.header(name) ?? null }))
  app.all('/v1/*', refuse)
  // Where it is mounted in another app, what is not below /v1 is that one's.
  app.notFound(refuse)
  return app
}

function toResponse({ method }: HonoRequest, { status, headers, body }: IngestResponse): Response {
  // fetch's HEAD must have no body, and a client that asked for nothing else wants none.
  return new Response(method === 'HEAD' ? null : (body as Uint8Array<ArrayBuffer>), { status, headers })
}
