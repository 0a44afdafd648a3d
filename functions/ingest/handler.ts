import { Hono } from 'hono'
import { createIngest, type IngestOptions } from './ingest.ts'

export type { IngestOptions } from './ingest.ts'

/** `POST /v1/traces` as a Hono app: OTLP/HTTP in both encodings, acknowledged once durable on the bus. */
export function createIngestApp(options: IngestOptions): Hono {
  const ingest = createIngest(options)
  const app = new Hono()
  app.all('/v1/traces', async ({ req }) => {
    const { status, headers, body } = await ingest({
      method: req.method,
      header: (name) => req.raw.headers.get(name),
      body: req.raw.body,
    })
    // fetch's HEAD must have no body, and a client that asked for nothing else wants none.
    return new Response(req.method === 'HEAD' ? null : (body as Uint8Array<ArrayBuffer>), { status, headers })
  })
  return app
}
