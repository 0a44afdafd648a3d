import { randomUUID } from 'node:crypto'
import { type File, Storage } from '@google-cloud/storage'
import { SpanledgerError } from '../errors.ts'
import { type RetryOptions, retrying } from '../retry.ts'
import { checkObjectName, type ObjectInfo, type ObjectStore } from './object-store.ts'

/** Names the put that wrote an object, so that a put whose answer was lost knows its own object again. */
const PUT_ID = 'spanledger-put'
const REQUEST_TIMEOUT_MS = 60_000

/** Where the bucket is and how hard to try. */
export interface GcsStoreOptions {
  readonly bucket: string
  /** Google Cloud project; from the environment unless given. */
  readonly projectId?: string
  /** Another server than Google's, for tests; no credentials are sent to it. */
  readonly apiEndpoint?: string
  /** Objects of this many bytes or more are sent in a resumable session. Default 8 MiB. */
  readonly resumableBytes?: number
  /** Objects per page of a listing, at most 1000. */
  readonly pageSize?: number
  /** Of every request. */
  readonly retry?: RetryOptions
}

/**
 * An {@link ObjectStore} on a Cloud Storage bucket. Every put carries `ifGenerationMatch: 0`, so that of racing writers one
 * wins, and so that the client may safely repeat it. Rejects with `lake/unavailable` when the bucket does not answer.
 */
export function openGcsStore(options: GcsStoreOptions): ObjectStore {
  const storage = new Storage({
    ...(options.projectId !== undefined && { projectId: options.projectId }),
    ...(options.apiEndpoint !== undefined && { apiEndpoint: options.apiEndpoint, useAuthWithCustomEndpoint: false }),
    // The client waits at least a second, without jitter; `attempt` does better.
    retryOptions: { autoRetry: false },
    timeout: REQUEST_TIMEOUT_MS,
  })
  const bucket = storage.bucket(options.bucket)
  const resumableBytes = options.resumableBytes ?? 8 * 1024 * 1024
  const pageSize = options.pageSize ?? 1000
  const attempt = <T>(request: () => Promise<T>) => retrying(request, isTransient, options.retry)

  return {
    async putIfAbsent(name, data) {
      checkObjectName(name)
      const putId = randomUUID()
      const file = bucket.file(name)
      try {
        await attempt(() =>
          file.save(view(data), {
            resumable: data.byteLength >= resumableBytes,
            validation: 'crc32c',
            contentType: 'application/octet-stream',
            metadata: { metadata: { [PUT_ID]: putId } },
            preconditionOpts: { ifGenerationMatch: 0 },
          }),
        )
      } catch (error) {
        if (status(error) !== 412) throw unavailable(`write ${name}`, error)
        // A repeated put finds the object that its first, unanswered try made.
        if ((await readPutId(file)) !== putId) throw new SpanledgerError('lake/exists', `${name} already exists`)
      }
    },

    async read(name, range) {
      checkObjectName(name)
      const file = bucket.file(name)
      try {
        if (range !== undefined && range.end <= range.start) {
          await attempt(() => file.getMetadata())
          return new Uint8Array()
        }
        const part = range === undefined ? {} : { start: range.start, end: range.end - 1 }
        const [data] = await attempt(() => file.download(part))
        return view(data)
      } catch (error) {
        if (status(error) === 404)
          throw new SpanledgerError('lake/not-found', `there is no object ${name}`, { cause: error })
        if (status(error) === 416) return new Uint8Array()
        throw unavailable(`read ${name}`, error)
      }
    },

    async *list(prefix, { from = '' } = {}) {
      for (let pageToken: string | undefined; ; ) {
        const page = await listPage({ prefix, from, pageToken })
        yield* page.objects
        pageToken = page.next
        if (pageToken === undefined) return
      }
    },

    async delete(name) {
      checkObjectName(name)
      try {
        await attempt(() => bucket.file(name).delete({ ignoreNotFound: true }))
      } catch (error) {
        throw unavailable(`delete ${name}`, error)
      }
    },
  }

  async function listPage({
    prefix,
    from,
    pageToken,
  }: {
    prefix: string
    from: string
    pageToken: string | undefined
  }) {
    const query = {
      prefix,
      maxResults: pageSize,
      autoPaginate: false,
      fields: 'items(name,size,updated),nextPageToken',
      ...(from !== '' && { startOffset: from }),
      ...(pageToken !== undefined && { pageToken }),
    }
    try {
      const [files, next] = await attempt(() => bucket.getFiles(query))
      return { objects: files.map(describe), next: nextToken(next) }
    } catch (error) {
      throw unavailable(`list ${prefix}`, error)
    }
  }

  async function readPutId(file: File): Promise<unknown> {
    try {
      const [metadata] = await attempt(() => file.getMetadata())
      return metadata.metadata?.[PUT_ID]
    } catch (error) {
      if (status(error) === 404) return undefined
      throw unavailable(`read ${file.name}`, error)
    }
  }
}

/** A listing that asks for certain fields gives plain metadata, whatever the client's types say. */
function describe(object: { readonly name: string; readonly size?: unknown; readonly updated?: unknown }): ObjectInfo {
  return { name: object.name, size: Number(object.size), updatedAt: Date.parse(String(object.updated)) }
}

function nextToken(next: object | null | undefined): string | undefined {
  const token: unknown = next && 'pageToken' in next ? next.pageToken : undefined
  return typeof token === 'string' ? token : undefined
}

function view(data: Uint8Array): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength)
}

/** The HTTP status of a client's error, which has it in different places; undefined when there was no answer. */
function status(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined
  const { code, status } = error as Error & { readonly code?: unknown; readonly status?: unknown }
  return [code, status].map(Number).find(Number.isInteger)
}

/** Whether to ask again. No answer at all is transient too; it may have been lost on its way back. */
function isTransient(error: unknown): boolean {
  const code = status(error)
  return code === undefined || code === 408 || code === 410 || code === 429 || code >= 500
}

function unavailable(what: string, cause: unknown): SpanledgerError {
  const code = status(cause)
  const hint = code === 401 || code === 403 ? 'grant the function access to the bucket' : 'try again later'
  return new SpanledgerError('lake/unavailable', `cannot ${what} in Cloud Storage (${code ?? 'no answer'}): ${hint}`, {
    cause,
  })
}
