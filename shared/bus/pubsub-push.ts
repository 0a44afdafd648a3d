import { Hono } from 'hono'
import { z } from 'zod'
import { isSpanledgerError, SpanledgerError } from '../errors.ts'
import { readBody } from '../http/body.ts'
import type { PubsubDelivery } from './pubsub-message.ts'
import { type DeliverOptions, deliver, type Settlement } from './pubsub-settle.ts'

export interface PushOptions extends DeliverOptions {
  /** Messages that arrive while others are being handled wait and are then handled together, up to so many bytes. */
  readonly maxBatchBytes?: number
}

/** A message of 10 MB in base64, and its frame. */
const MAX_BODY_BYTES = 16 * 1024 * 1024

/** The body of a push, and of a CloudEvent's data. Unwrapped pushes and everything else are refused. */
const envelope = z.object({
  message: z
    .object({
      data: z.string().default(''),
      attributes: z.record(z.string(), z.string()).default({}),
      messageId: z.string().optional(),
    })
    .refine(({ data, attributes }) => data !== '' || Object.keys(attributes).length > 0, 'neither data nor attributes'),
  deliveryAttempt: z.number().int().positive().default(1),
})
const cloudEvent = z.object({ specversion: z.string(), type: z.string(), data: envelope })

/**
 * Pub/Sub's push endpoint as a Hono app: 204 acknowledges, any other status brings the message back. Takes Pub/Sub's own body,
 * and CloudEvents, structured or binary. What it does not know it refuses, so that it ends in the dead-letter topic.
 */
export function createPushApp(options: PushOptions): Hono {
  const submit = createBatcher(options)
  const app = new Hono()
  app.post('/*', async ({ req }) => {
    try {
      const headers = {
        contentEncoding: req.raw.headers.get('content-encoding'),
        contentLength: req.raw.headers.get('content-length'),
      }
      const body = await readBody(req.raw.body, headers, { maxBytes: MAX_BODY_BYTES })
      const settlement = await submit(parsePush(body))
      return new Response(null, { status: settlement === 'ack' ? 204 : 503 })
    } catch (error) {
      if (!isSpanledgerError(error)) throw error
      options.log?.error({ reason: error.message }, 'push was not understood')
      return Response.json({ error: error.message }, { status: error.code === 'otlp/too-large' ? 413 : 400 })
    }
  })
  app.all('/*', () => new Response(null, { status: 405, headers: { allow: 'POST' } }))
  app.onError((error) => {
    options.log?.error({ err: error }, 'push failed')
    return new Response(null, { status: 500 })
  })
  return app
}

/** The message of a push body. Throws `otlp/malformed`. */
export function parsePush(body: Uint8Array): PubsubDelivery {
  let json: unknown
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch (cause) {
    throw new SpanledgerError('otlp/malformed', 'the push is not JSON', { cause })
  }
  const parsed = z.union([envelope, cloudEvent]).safeParse(json)
  if (!parsed.success)
    throw new SpanledgerError('otlp/malformed', 'the push is no Pub/Sub message', { cause: parsed.error })
  const { message, deliveryAttempt } = 'message' in parsed.data ? parsed.data : parsed.data.data
  const data = Buffer.from(message.data, 'base64')
  // Node skips what is not base64; a schema's pattern would overflow its stack on ten megabytes.
  if (data.length !== Buffer.byteLength(message.data, 'base64'))
    throw new SpanledgerError('otlp/malformed', 'the push holds data that is not base64')
  return { id: message.messageId ?? '', attempt: deliveryAttempt, data, attributes: message.attributes }
}

interface Waiting {
  readonly message: PubsubDelivery
  readonly resolve: (settlement: Settlement) => void
}

/** Pushes come one by one; stores are cheaper asked once for many. */
function createBatcher(options: PushOptions): (message: PubsubDelivery) => Promise<Settlement> {
  const { maxBatchBytes = 16 * 1024 * 1024 } = options
  let waiting: Waiting[] = []
  let running = false

  async function run(): Promise<void> {
    running = true
    while (waiting.length > 0) {
      const batch = take()
      const settlements = await deliver(
        batch.map(({ message }) => message),
        options,
      )
      for (const [index, { resolve }] of batch.entries()) resolve(settlements[index] ?? 'nack')
    }
    running = false
  }

  function take(): Waiting[] {
    let bytes = 0
    const rest = waiting.findIndex(({ message }, index) => {
      bytes += message.data.length
      return index > 0 && bytes > maxBatchBytes
    })
    const batch = waiting.slice(0, rest < 0 ? undefined : rest)
    waiting = waiting.slice(batch.length)
    return batch
  }

  return (message) =>
    new Promise((resolve) => {
      waiting.push({ message, resolve })
      if (!running) setImmediate(() => !running && run())
    })
}
