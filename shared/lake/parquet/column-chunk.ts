import thrift from 'parquetjs-lite/gen-nodejs/parquet_types.js'
import util from 'parquetjs-lite/lib/util.js'
import { type ByteSink, createByteSink, reserve, writeBytes, writtenBytes } from './byte-sink.ts'
import { type Codec, chunkCodec, compressQuickly } from './compression.ts'
import { bitWidth, writeHybrid } from './hybrid.ts'
import { type Leaf, type Levels, leafEntries } from './leaf.ts'
import { chunkStatistics } from './statistics.ts'
import type { Values } from './values.ts'

/** A data page ends at the first row after this many bytes of values. */
const PAGE_BYTES = 1024 * 1024
/** A dictionary has to save this share, since readers pay for the indirection. */
const DICTIONARY_GAIN = 0.9

/** An encoded column chunk; its offsets in `metadata` count from `offset`. */
export interface ColumnChunk {
  readonly pages: readonly Buffer[]
  readonly metadata: thrift.ColumnMetaData
  readonly uncompressedSize: number
}

/** Entries and values of one data page. */
interface PageRange {
  readonly entries: { readonly start: number; readonly end: number }
  readonly values: { readonly start: number; readonly end: number }
}

const body = createByteSink(PAGE_BYTES)

/** Encodes one leaf column of a row group, to stand at `offset` in its file. */
export function encodeColumnChunk(leaf: Leaf, wanted: Codec, offset: number): ColumnChunk {
  const { values } = leaf
  const plainSize = measurePlain(values)
  const width = bitWidth(Math.max(values.distinct - 1, 0))
  const dictionary = values.plain.length + (values.count * width) / 8 < plainSize * DICTIONARY_GAIN
  const codec = chunkCodec(wanted, plainSize + leafEntries(leaf))
  const pages: Buffer[] = []
  let uncompressedSize = 0
  const add = (header: (sizes: PageSizes) => thrift.PageHeader, bytes: Buffer) => {
    const packed = compressQuickly(bytes, codec)
    const head = util.serializeThrift(header({ uncompressed: bytes.length, compressed: packed.length }))
    pages.push(head, packed)
    uncompressedSize += head.length + bytes.length
  }

  if (dictionary) add((sizes) => dictionaryHeader(values, sizes), writtenBytes(values.plain))
  const dataOffset = offset + totalLength(pages)
  for (const page of cutPages(leaf, dictionary ? Number.POSITIVE_INFINITY : PAGE_BYTES)) {
    body.length = 0
    writeLevels(body, leaf.repetition, page)
    writeLevels(body, leaf.definition, page)
    if (dictionary) writeIndices(body, values, page, width)
    else writePlain(body, values, page)
    add((sizes) => dataHeader(page, sizes, dictionary), writtenBytes(body))
  }

  const entries = leafEntries(leaf)
  const { PLAIN, RLE, RLE_DICTIONARY } = thrift.Encoding
  const metadata = new thrift.ColumnMetaData({
    type: thrift.Type[values.type] as number,
    encodings: dictionary ? [PLAIN, RLE, RLE_DICTIONARY] : [PLAIN, RLE],
    path_in_schema: leaf.field.path,
    codec,
    num_values: entries,
    total_uncompressed_size: uncompressedSize,
    total_compressed_size: totalLength(pages),
    data_page_offset: dataOffset,
    ...(dictionary && { dictionary_page_offset: offset }),
    statistics: chunkStatistics(values, entries - values.count),
  })
  return { pages, metadata, uncompressedSize }
}

interface PageSizes {
  readonly uncompressed: number
  readonly compressed: number
}

function dictionaryHeader(values: Values, sizes: PageSizes): thrift.PageHeader {
  return new thrift.PageHeader({
    type: thrift.PageType.DICTIONARY_PAGE,
    uncompressed_page_size: sizes.uncompressed,
    compressed_page_size: sizes.compressed,
    dictionary_page_header: new thrift.DictionaryPageHeader({
      num_values: values.distinct,
      encoding: thrift.Encoding.PLAIN,
    }),
  })
}

function dataHeader({ entries }: PageRange, sizes: PageSizes, dictionary: boolean): thrift.PageHeader {
  return new thrift.PageHeader({
    type: thrift.PageType.DATA_PAGE,
    uncompressed_page_size: sizes.uncompressed,
    compressed_page_size: sizes.compressed,
    data_page_header: new thrift.DataPageHeader({
      num_values: entries.end - entries.start,
      encoding: dictionary ? thrift.Encoding.RLE_DICTIONARY : thrift.Encoding.PLAIN,
      definition_level_encoding: thrift.Encoding.RLE,
      repetition_level_encoding: thrift.Encoding.RLE,
    }),
  })
}

/** Cuts a chunk into pages of about `bytes` of PLAIN values, each of whole rows. */
function cutPages(leaf: Leaf, bytes: number): PageRange[] {
  const { values, repetition, definition } = leaf
  const entries = leafEntries(leaf)
  const pages: PageRange[] = []
  let entryStart = 0
  let valueStart = 0
  let value = 0
  let size = 0
  if (values.plain.length > bytes) {
    for (let entry = 0; entry < entries; entry++) {
      if (size >= bytes && (repetition.max === 0 || repetition.bytes[entry] === 0)) {
        pages.push({ entries: { start: entryStart, end: entry }, values: { start: valueStart, end: value } })
        entryStart = entry
        valueStart = value
        size = 0
      }
      if (definition.bytes[entry] !== definition.max) continue
      size += distinctSize(values, values.ids[value] as number)
      value++
    }
  }
  pages.push({ entries: { start: entryStart, end: entries }, values: { start: valueStart, end: values.count } })
  return pages
}

/** How long the distinct value `id` is in PLAIN encoding. */
function distinctSize(values: Values, id: number): number {
  const end = id + 1 < values.distinct ? (values.starts[id + 1] as number) : values.plain.length
  return end - (values.starts[id] as number)
}

function measurePlain(values: Values): number {
  if (values.type !== 'BYTE_ARRAY') return values.count * 8
  let size = 0
  for (let index = 0; index < values.count; index++) size += distinctSize(values, values.ids[index] as number)
  return size
}

/** In a data page of version 1, levels are preceded by their length in bytes. */
function writeLevels(sink: ByteSink, levels: Levels, page: PageRange): void {
  if (levels.max === 0) return
  const start = sink.length
  reserve(sink, 4)
  sink.length += 4
  writeHybrid(sink, levels.bytes, page.entries, bitWidth(levels.max))
  sink.bytes.writeUInt32LE(sink.length - start - 4, start)
}

function writeIndices(sink: ByteSink, values: Values, page: PageRange, width: number): void {
  reserve(sink, 1)
  sink.bytes[sink.length++] = width
  writeHybrid(sink, values.ids, page.values, width)
}

/** Values that were appended one after the other are copied together. */
function writePlain(sink: ByteSink, values: Values, page: PageRange): void {
  const { ids, plain } = values
  let index = page.values.start
  while (index < page.values.end) {
    const first = ids[index] as number
    let last = first
    index++
    while (index < page.values.end && ids[index] === last + 1) {
      last++
      index++
    }
    const end = (values.starts[last] as number) + distinctSize(values, last)
    writeBytes(sink, plain.bytes.subarray(values.starts[first] as number, end))
  }
}

function totalLength(buffers: readonly Buffer[]): number {
  return buffers.reduce((sum, buffer) => sum + buffer.length, 0)
}
