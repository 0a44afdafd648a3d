import { promisify } from 'node:util'
import { constants, zstdCompress, zstdCompressSync } from 'node:zlib'
import thrift from 'parquetjs-lite/gen-nodejs/parquet_types.js'
import compression from 'parquetjs-lite/lib/compression.js'

export type Codec = 'zstd' | 'snappy'

/** What a chunk holds, by which its second compression is tuned. */
export type Content = 'texts' | 'numbers' | 'ids'

/** A chunk smaller than this is not compressed: a frame's header would eat what it saves. */
const SMALLEST_COMPRESSED = 128
/** More than a frame adds to bytes that cannot be compressed, but for a 256th of them. */
const FRAME_BYTES = 128
const { ZSTD_c_compressionLevel, ZSTD_c_minMatch, ZSTD_c_searchLog, ZSTD_c_strategy, ZSTD_c_windowLog } = constants
const { ZSTD_c_targetLength, ZSTD_btopt, ZSTD_lazy } = constants

/** Of a fresh file, which lives for an hour. */
const QUICK = { [ZSTD_c_compressionLevel]: 3 }
/** Of a merged file, which lives for as long as its spans. */
const THOROUGH: Record<Content, Record<number, number>> = {
  numbers: { [ZSTD_c_compressionLevel]: 4 },
  // Shorter matches are found at random in ids of calls, and cost more than they save.
  texts: {
    [ZSTD_c_compressionLevel]: 5,
    [ZSTD_c_strategy]: ZSTD_lazy,
    [ZSTD_c_minMatch]: 6,
    [ZSTD_c_searchLog]: 5,
  },
  // Of random hex digits only the fifth bit can be saved, and the length before each: any other match is a loss, which only the
  // strategies that weigh each match against its price see. A small window gives them little to weigh.
  ids: {
    [ZSTD_c_compressionLevel]: 9,
    [ZSTD_c_strategy]: ZSTD_btopt,
    [ZSTD_c_windowLog]: 14,
    [ZSTD_c_searchLog]: 1,
    [ZSTD_c_minMatch]: 5,
    [ZSTD_c_targetLength]: 16,
  },
}

const zstdCompressed = promisify(zstdCompress)

/** The codec of a chunk of so many bytes, as Parquet numbers them. */
export function chunkCodec(codec: Codec, bytes: number): number {
  const { UNCOMPRESSED, ZSTD, SNAPPY } = thrift.CompressionCodec
  if (bytes < SMALLEST_COMPRESSED) return UNCOMPRESSED
  return codec === 'zstd' ? ZSTD : SNAPPY
}

/** `bytes` under the codec of that number, quickly; never `bytes` itself. */
export function compressQuickly(bytes: Buffer, codec: number): Buffer {
  if (codec === thrift.CompressionCodec.ZSTD) return zstdCompressSync(bytes, { params: QUICK })
  return compressOtherwise(bytes, codec)
}

/** `bytes` under the codec of that number, on another thread and as small as is worth the time. */
export async function compressThoroughly(bytes: Buffer, codec: number, content: Content): Promise<Buffer> {
  if (codec === thrift.CompressionCodec.ZSTD) {
    // Without the size zstd prepares for megabytes, each time. With room for all of it, bytes come back in one piece.
    const chunkSize = bytes.length + (bytes.length >> 8) + FRAME_BYTES
    return zstdCompressed(bytes, { params: THOROUGH[content], pledgedSrcSize: bytes.length, chunkSize })
  }
  return compressOtherwise(bytes, codec)
}

function compressOtherwise(bytes: Buffer, codec: number): Buffer {
  if (codec === thrift.CompressionCodec.SNAPPY) return Buffer.from(compression.deflate('SNAPPY', bytes))
  return Buffer.from(bytes)
}
