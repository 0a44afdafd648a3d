import thrift from 'parquetjs-lite/gen-nodejs/parquet_types.js'
import util from 'parquetjs-lite/lib/util.js'
import { describeError, SpanledgerError } from '../../errors.ts'
import type { ObjectInfo, ObjectStore } from '../object-store.ts'

/** Most footers fit into this; a longer one costs a second read. */
const FIRST_READ = 64 * 1024
const TAIL = 8

/** The key-value pairs in the footer of a Parquet file. Rejects with `lake/corrupt` naming the file. */
export async function readFileMetadata(
  store: ObjectStore,
  file: Pick<ObjectInfo, 'name' | 'size'>,
): Promise<ReadonlyMap<string, string>> {
  const corrupt = (reason: string, cause?: unknown) =>
    new SpanledgerError('lake/corrupt', `${file.name}: ${reason}: move it out of the lake`, { cause })
  const end = Buffer.from(await store.read(file.name, { start: Math.max(0, file.size - FIRST_READ), end: file.size }))
  if (end.length < TAIL + 4 || end.toString('latin1', end.length - 4) !== 'PAR1') throw corrupt('not a Parquet file')
  const size = end.readUInt32LE(end.length - TAIL)
  if (size + TAIL > file.size) throw corrupt('its footer is longer than the file')
  const footer =
    size + TAIL <= end.length
      ? end.subarray(end.length - TAIL - size)
      : Buffer.from(await store.read(file.name, { start: file.size - TAIL - size, end: file.size }))
  const metadata = new thrift.FileMetaData()
  try {
    util.decodeThrift(metadata, footer, 0)
  } catch (error) {
    throw corrupt(`its footer cannot be read (${describeError(error)})`, error)
  }
  return new Map((metadata.key_value_metadata ?? []).map(({ key, value }) => [String(key), String(value)]))
}
