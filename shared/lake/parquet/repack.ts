import { type FileHandle, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import thrift from 'parquetjs-lite/gen-nodejs/parquet_types.js'
import util from 'parquetjs-lite/lib/util.js'
import type { ColumnChunk } from './column-chunk.ts'
import { type Codec, type Content, chunkCodec, compressThoroughly } from './compression.ts'
import { createParquetFile, type ParquetFile, type ParquetLayout } from './file.ts'
import { markTimestamps } from './schema.ts'

/** The length of the footer, and the magic. */
const TAIL_BYTES = 8

export interface RepackOptions {
  readonly codec: Codec
  /** Columns that count nanoseconds since 1970. */
  readonly timestamps: ReadonlySet<string>
  /** Leaf columns by which the rows are sorted, as indices into the leaves. */
  readonly sortedBy: readonly number[]
  /** Columns of random hex digits. */
  readonly ids: ReadonlySet<string>
  /** Where the new files go. */
  readonly directory: string
  /** Bytes beyond which a new file is closed and the next one begun. */
  readonly fileBytes: number
}

/**
 * Compresses the files at `paths` anew, which are zstd or not compressed and have the same columns, and deletes them: their row groups keep
 * their order and their values their encoding. Holds two row groups at a time. Returns the paths of the new files.
 */
export async function repackFiles(paths: AsyncIterable<string>, options: RepackOptions): Promise<string[]> {
  const outputs: string[] = []
  let output: Output | undefined
  const write = async ({ group, chunks }: PackedRowGroup): Promise<void> => {
    const packed = await chunks
    if (output === undefined) {
      const next = join(options.directory, `packed_${outputs.length}.parquet`)
      output = await openOutput(next, { elements: group.elements, sortedBy: options.sortedBy })
      outputs.push(next)
    }
    output.file.addRowGroup(packed, group.rows)
    await output.flush()
    if (output.file.size <= options.fileBytes) return
    await output.finish()
    output = undefined
  }
  // A large column keeps one core busy for long: the next row group is begun on the other.
  let previous: PackedRowGroup | undefined
  try {
    for await (const path of paths) {
      for await (const group of readRowGroups(path, options.timestamps)) {
        const chunks = Promise.all(group.columns.map((column) => repackChunk(column, options)))
        // Whoever writes it hears of its failure.
        chunks.catch(() => undefined)
        if (previous !== undefined) await write(previous)
        previous = { group, chunks }
      }
      await rm(path)
    }
    if (previous !== undefined) await write(previous)
    await output?.finish()
    return outputs
  } finally {
    await output?.close()
  }
}

/** A row group and what becomes of its columns. */
interface PackedRowGroup {
  readonly group: RawRowGroup
  readonly chunks: Promise<((offset: number) => ColumnChunk)[]>
}

interface Output {
  readonly file: ParquetFile
  /** Writes what is pending to the disk. */
  flush(): Promise<void>
  finish(): Promise<void>
  close(): Promise<void>
}

async function openOutput(path: string, layout: ParquetLayout): Promise<Output> {
  const handle = await open(path, 'wx')
  let pending: Buffer[] = []
  const file = createParquetFile(layout, (bytes) => pending.push(bytes))
  const flush = async () => {
    const bytes = Buffer.concat(pending)
    pending = []
    await handle.appendFile(bytes)
  }
  const finish = async () => {
    file.finish({})
    await flush()
    await handle.close()
  }
  return { file, flush, finish, close: () => handle.close() }
}

/** A column chunk as it is in a file. */
interface RawColumn {
  readonly metadata: thrift.ColumnMetaData
  /** Its pages, headers included. */
  readonly bytes: Buffer
}

interface RawRowGroup {
  readonly rows: number
  readonly columns: readonly RawColumn[]
  /** The schema of its file. */
  readonly elements: readonly thrift.SchemaElement[]
}

async function* readRowGroups(path: string, timestamps: ReadonlySet<string>): AsyncGenerator<RawRowGroup> {
  const handle = await open(path)
  try {
    const { size } = await handle.stat()
    const tail = await readRange(handle, size - TAIL_BYTES, size)
    if (tail.toString('latin1', 4) !== 'PAR1') throw new RangeError(`${path} has no end`)
    const footer = await readRange(handle, size - TAIL_BYTES - tail.readUInt32LE(), size - TAIL_BYTES)
    const metadata = new thrift.FileMetaData()
    util.decodeThrift(metadata, footer, 0)
    const elements = markTimestamps(metadata.schema, timestamps)
    for (const { columns, num_rows } of metadata.row_groups) {
      const ranges = columns.map(({ meta_data: column }) => {
        const data = Number(column.data_page_offset)
        const start = Math.min(data, Number(column.dictionary_page_offset ?? data))
        return { column, start, end: start + Number(column.total_compressed_size) }
      })
      const first = Math.min(...ranges.map(({ start }) => start))
      const bytes = await readRange(handle, first, Math.max(...ranges.map(({ end }) => end)))
      yield {
        elements,
        rows: Number(num_rows),
        columns: ranges.map(({ column, start, end }) => ({
          metadata: column,
          bytes: bytes.subarray(start - first, end - first),
        })),
      }
    }
  } finally {
    await handle.close()
  }
}

async function readRange(handle: FileHandle, start: number, end: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(end - start)
  for (let read = 0; read < bytes.length; ) {
    const { bytesRead } = await handle.read(bytes, read, bytes.length - read, start + read)
    if (bytesRead === 0) throw new RangeError(`the file ends at ${start + read}`)
    read += bytesRead
  }
  return bytes
}

async function repackChunk(
  { metadata, bytes }: RawColumn,
  { codec: wanted, ids }: RepackOptions,
): Promise<(offset: number) => ColumnChunk> {
  const codec = chunkCodec(wanted, Number(metadata.total_uncompressed_size))
  const content = contentOf(metadata, ids)
  const pages: Buffer[] = []
  let dictionarySize: number | undefined
  let compressedSize = 0
  let uncompressedSize = 0
  for (let at = 0; at < bytes.length; ) {
    const header = new thrift.PageHeader()
    at += util.decodeThrift(header, bytes, at)
    const stored = bytes.subarray(at, at + header.compressed_page_size)
    const body = metadata.codec === thrift.CompressionCodec.ZSTD ? zstdDecompressSync(stored) : stored
    at += header.compressed_page_size
    const packed = await compressThoroughly(body, codec, content)
    header.compressed_page_size = packed.length
    const head = util.serializeThrift(header)
    pages.push(head, packed)
    compressedSize += head.length + packed.length
    uncompressedSize += head.length + body.length
    if (header.type === thrift.PageType.DICTIONARY_PAGE) dictionarySize = compressedSize
  }
  return (offset) => ({
    pages,
    uncompressedSize,
    metadata: new thrift.ColumnMetaData({
      type: metadata.type,
      encodings: metadata.encodings,
      path_in_schema: metadata.path_in_schema,
      codec,
      num_values: Number(metadata.num_values),
      total_uncompressed_size: uncompressedSize,
      total_compressed_size: compressedSize,
      data_page_offset: offset + (dictionarySize ?? 0),
      ...(dictionarySize !== undefined && { dictionary_page_offset: offset }),
      statistics: copyStatistics(metadata.statistics),
    }),
  })
}

function contentOf({ type, path_in_schema: [column = ''] }: thrift.ColumnMetaData, ids: ReadonlySet<string>): Content {
  if (type !== thrift.Type.BYTE_ARRAY) return 'numbers'
  return ids.has(column) ? 'ids' : 'texts'
}

/** Bounds and nulls; the library reads bounds that are UTF-8 as text. */
function copyStatistics(statistics: thrift.Statistics | null): thrift.Statistics | undefined {
  if (statistics === null) return undefined
  const { null_count, min_value, max_value } = statistics
  return new thrift.Statistics({
    ...(null_count !== null && { null_count: Number(null_count) }),
    ...(min_value !== null && { min_value: Buffer.from(min_value) }),
    ...(max_value !== null && { max_value: Buffer.from(max_value) }),
  })
}
