import type { LakeFormat } from './format.ts'
import { formatFacts, parseFacts } from './format.ts'
import { openParquetMerger } from './merge.ts'
import type { Codec } from './parquet/compression.ts'
import { readFileMetadata } from './parquet/footer.ts'
import { createSpanEncoder } from './span-file.ts'

/** The key in a footer that holds a file's facts. */
const KEY = 'spanledger'

export interface ParquetFormatOptions {
  /** Default: zstd. */
  readonly codec?: Codec
  /**
   * Where merging keeps its files, about three times the size of what is merged and
   * `plainBytes`. Default: the system's directory for such.
   */
  readonly scratch?: string
  /** Bytes of memory for merging. Default: 512 MiB. */
  readonly memory?: number
  /** Bytes beyond which a merged file is closed and the next one begun. Default: 128 MiB. */
  readonly fileBytes?: number
  /** Bytes of columns beyond which sorted rows are compressed quickly until they are compressed for good. Default: 256 MiB. */
  readonly plainBytes?: number
}

/** The lake's files as Parquet: fresh ones by our own encoder, merged ones by DuckDB, which is loaded when it is needed. */
export function createParquetFormat(options: ParquetFormatOptions = {}): LakeFormat {
  const codec = options.codec ?? 'zstd'
  const encoder = createSpanEncoder({ codec })
  return {
    encode: (rows, facts) => encoder.encode(rows, { [KEY]: formatFacts(facts) }),
    readFacts: async (store, file) => parseFacts((await readFileMetadata(store, file)).get(KEY) ?? '', file.name),
    check: async (store, file) => void (await readFileMetadata(store, file)),
    openMerger: () => openParquetMerger({ ...options, codec, template: encoder.encode([], {}) }),
  }
}
