import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'

const COMPRESSION = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }

/** A payload as the queue keeps it. Level 1 costs less than writing and reading the bytes it saves. */
export function packPayload(data: Uint8Array): Uint8Array {
  return data.length === 0 ? data : zstdCompressSync(data, COMPRESSION)
}

/** The inverse of {@link packPayload}; `size` is the payload's own length in bytes. */
export function unpackPayload(packed: Uint8Array, size: number): Uint8Array {
  // One output buffer of the right size is three times as fast as growing one in default chunks.
  return size === 0 ? new Uint8Array(0) : zstdDecompressSync(packed, { chunkSize: size + 64, maxOutputLength: size })
}
