import { createHash, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { crc32c } from './crc32c.ts'

/** What a fault does to one request: answers this status; or does the work and cuts the connection, or cuts it at once. */
export type Fault = { readonly status: number } | 'lose-answer' | 'cut'

/** A strict in-memory double of Cloud Storage's JSON API. What it does not know it refuses with 501. */
export interface FakeStorage {
  /** For `apiEndpoint`. */
  readonly url: string
  /** Requests answered, by kind: `insert`, `get`, `read`, `list`, `delete`, `resumable-start`, `resumable-part`. */
  readonly requests: Map<string, number>
  /** Consulted before each request; undefined lets it pass. */
  fault: (kind: string, name: string) => Fault | undefined
  close(): Promise<void>
}

interface StoredObject {
  readonly data: Buffer
  readonly metadata: Record<string, unknown>
}

interface Session {
  readonly bucket: string
  readonly metadata: Record<string, unknown>
  readonly query: URLSearchParams
  parts: Buffer[]
  size: number
}

class HttpError extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** Starts the double on a free port of loopback, with one bucket per name. */
export async function startFakeStorage(buckets: readonly string[]): Promise<FakeStorage> {
  const stored = new Map(buckets.map((name) => [name, new Map<string, StoredObject>()]))
  const sessions = new Map<string, Session>()
  const requests = new Map<string, number>()
  let generations = Date.now() * 1000

  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      const code = error instanceof HttpError ? error.status : 500
      sendJson(response, code, { error: { code, message: String(error), errors: [{ reason: `fake${code}` }] } })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const fake: FakeStorage = {
    url,
    requests,
    fault: () => undefined,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return fake

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams: query } = new URL(request.url ?? '/', url)
    const upload = pathname.startsWith('/upload/')
    const [, bucket = '', name = ''] =
      /^\/b\/([^/]+)\/o(?:\/(.+))?$/.exec(pathname.replace(/^\/upload/, '').replace(/^\/storage\/v1/, '')) ?? []
    if (bucket === '') throw new HttpError(501, `this double knows no ${request.method} ${pathname}`)
    const objects = stored.get(bucket)
    if (objects === undefined) throw new HttpError(404, 'The specified bucket does not exist.')
    const object = decodeURIComponent(name) || (query.get('name') ?? '')
    const kind = kindOf(request.method ?? '', upload, name !== '', query)
    const body = await readBody(request)

    const fault = fake.fault(kind, object)
    if (fault === 'cut') return void request.socket.destroy()
    if (typeof fault === 'object') throw new HttpError(fault.status, 'fault on cue')
    requests.set(kind, (requests.get(kind) ?? 0) + 1)
    const answer = handle(kind, { bucket, objects, object, query, body, request })
    if (fault === 'lose-answer') return void request.socket.destroy()
    answer(response)
  }

  interface Call {
    readonly bucket: string
    readonly objects: Map<string, StoredObject>
    readonly object: string
    readonly query: URLSearchParams
    readonly body: Buffer
    readonly request: IncomingMessage
  }

  function handle(kind: string, call: Call): (response: ServerResponse) => void {
    switch (kind) {
      case 'insert':
        return insertMultipart(call)
      case 'resumable-start':
        return startSession(call)
      case 'resumable-part':
        return continueSession(call)
      case 'list':
        return list(call)
      case 'get':
        return (
          (found) => (response) =>
            sendJson(response, 200, found.metadata)
        )(find(call))
      case 'read':
        return read(call)
      default:
        find(call)
        call.objects.delete(call.object)
        return (response) => response.writeHead(204).end()
    }
  }

  function insertMultipart({ bucket, objects, query, body, request }: Call) {
    const boundary = /boundary=(?:"([^"]+)"|([^;]+))/.exec(request.headers['content-type'] ?? '')
    const [json, data] = splitMultipart(body, boundary?.[1] ?? boundary?.[2] ?? '')
    const metadata = JSON.parse(json.toString()) as Record<string, unknown>
    const object = put({ bucket, objects, metadata, query, data })
    return (response: ServerResponse) => sendJson(response, 200, object.metadata)
  }

  function startSession({ bucket, query, body, objects }: Call) {
    const metadata = (body.length > 0 ? JSON.parse(body.toString()) : {}) as Record<string, unknown>
    checkAbsent(objects, String(metadata.name ?? query.get('name')), query)
    const id = randomUUID()
    sessions.set(id, { bucket, metadata, query, parts: [], size: 0 })
    const location = `${url}/upload/storage/v1/b/${bucket}/o?uploadType=resumable&upload_id=${id}`
    return (response: ServerResponse) => response.writeHead(200, { location }).end()
  }

  function continueSession({ objects, query, body, request }: Call) {
    const id = query.get('upload_id') ?? ''
    const session = sessions.get(id)
    if (session === undefined) throw new HttpError(410, 'the upload session is gone')
    const range = /^bytes (?:(\d+)-(\d+|\*)|\*)\/(\d+|\*)$/.exec(request.headers['content-range'] ?? '')
    if (range === null) throw new HttpError(400, `bad Content-Range: ${request.headers['content-range']}`)
    if (range[1] !== undefined && Number(range[1]) !== session.size) throw new HttpError(503, 'a part is missing')
    session.parts.push(body)
    session.size += body.length
    const total = range[3] === '*' ? (range[2] === '*' ? session.size : undefined) : Number(range[3])
    if (total !== session.size) {
      const headers = session.size > 0 ? { range: `bytes=0-${session.size - 1}` } : {}
      return (response: ServerResponse) => response.writeHead(308, headers).end()
    }
    sessions.delete(id)
    const { bucket, metadata, parts } = session
    const object = put({ bucket, objects, metadata, query: session.query, data: Buffer.concat(parts) })
    return (response: ServerResponse) => sendJson(response, 200, object.metadata)
  }

  function put(given: {
    bucket: string
    objects: Map<string, StoredObject>
    metadata: Record<string, unknown>
    query: URLSearchParams
    data: Buffer
  }): StoredObject {
    const { bucket, objects, metadata, query, data } = given
    const name = String(metadata.name ?? query.get('name') ?? '')
    if (name === '' || Buffer.byteLength(name) > 1024 || /[\r\n]/.test(name)) throw new HttpError(400, 'bad name')
    checkAbsent(objects, name, query)
    const now = new Date().toISOString()
    const object: StoredObject = {
      data,
      metadata: {
        kind: 'storage#object',
        ...metadata,
        name,
        bucket,
        size: String(data.length),
        generation: String(generations++),
        metageneration: '1',
        crc32c: crc32c(data),
        md5Hash: createHash('md5').update(data).digest('base64'),
        timeCreated: now,
        updated: now,
      },
    }
    for (const check of ['crc32c', 'md5Hash'])
      if (metadata[check] !== undefined && metadata[check] !== object.metadata[check])
        throw new HttpError(400, `${check} does not match the bytes received`)
    objects.set(name, object)
    return object
  }

  function list({ objects, query }: Call) {
    for (const key of query.keys())
      if (!['prefix', 'startOffset', 'maxResults', 'pageToken', 'fields', 'prettyPrint', 'projection'].includes(key))
        throw new HttpError(501, `this double knows no list parameter ${key}`)
    const prefix = query.get('prefix') ?? ''
    const from = Buffer.from(query.get('startOffset') ?? '')
    const after = Buffer.from(query.get('pageToken') ?? '', 'base64url')
    const size = Math.min(Number(query.get('maxResults') ?? 1000), 1000)
    const names = [...objects.keys()]
      .filter((name) => name.startsWith(prefix) && Buffer.compare(Buffer.from(name), from) >= 0)
      .filter((name) => Buffer.compare(Buffer.from(name), after) > 0)
      .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    const page = names.slice(0, size)
    const items = page.map((name) => objects.get(name)!.metadata)
    const more = names.length > page.length && { nextPageToken: Buffer.from(page.at(-1)!).toString('base64url') }
    // An empty page has no `items` at all, as the real one.
    return (response: ServerResponse) => sendJson(response, 200, { ...(items.length > 0 && { items }), ...more })
  }

  function read(call: Call) {
    const { data, metadata } = find(call)
    const headers = {
      'content-type': 'application/octet-stream',
      'x-goog-hash': `crc32c=${metadata.crc32c},md5=${metadata.md5Hash}`,
      'x-goog-stored-content-encoding': 'identity',
      'x-goog-generation': String(metadata.generation),
    }
    const range = /^bytes=(\d+)-(\d*)$/.exec(call.request.headers.range ?? '')
    if (range === null) return (response: ServerResponse) => response.writeHead(200, headers).end(data)
    const start = Number(range[1])
    const end = Math.min(range[2] === '' ? data.length : Number(range[2]) + 1, data.length)
    if (start >= data.length) throw new HttpError(416, 'the requested range is not satisfiable')
    const contentRange = { 'content-range': `bytes ${start}-${end - 1}/${data.length}` }
    return (response: ServerResponse) =>
      response.writeHead(206, { ...headers, ...contentRange }).end(data.subarray(start, end))
  }
}

function find({ objects, object }: { objects: Map<string, StoredObject>; object: string }): StoredObject {
  const found = objects.get(object)
  if (found === undefined) throw new HttpError(404, `No such object: ${object}`)
  return found
}

function checkAbsent(objects: Map<string, StoredObject>, name: string, query: URLSearchParams): void {
  const wanted = query.get('ifGenerationMatch')
  if (wanted === null) return
  const generation = objects.get(name)?.metadata.generation ?? '0'
  if (wanted !== generation) throw new HttpError(412, 'At least one of the pre-conditions you specified did not hold.')
}

function kindOf(method: string, upload: boolean, named: boolean, query: URLSearchParams): string {
  const type = query.get('uploadType')
  if (upload && method === 'POST' && type === 'multipart') return 'insert'
  if (upload && method === 'POST' && type === 'resumable') return 'resumable-start'
  if (upload && method === 'PUT' && type === 'resumable') return 'resumable-part'
  if (!upload && method === 'GET' && !named) return 'list'
  if (!upload && method === 'GET') return query.get('alt') === 'media' ? 'read' : 'get'
  if (!upload && method === 'DELETE' && named) return 'delete'
  throw new HttpError(501, `this double knows no ${method} with uploadType ${type}`)
}

function splitMultipart(body: Buffer, boundary: string): [Buffer, Buffer] {
  const mark = Buffer.from(`--${boundary}`)
  const first = body.indexOf(mark)
  const second = body.indexOf(mark, first + mark.length)
  const last = body.lastIndexOf(mark)
  if (boundary === '' || first < 0 || second < 0 || last <= second) throw new HttpError(400, 'malformed multipart body')
  const part = (from: number, to: number) => {
    const start = body.indexOf('\r\n\r\n', from) + 4
    return body.subarray(start, to - 2)
  }
  return [part(first, second), part(second, last)]
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  if (response.headersSent) return
  response.writeHead(status, { 'content-type': 'application/json; charset=UTF-8' }).end(JSON.stringify(body))
}
