import { fileName, parseFileName, prefixOf } from './partition.ts'

/** Where the digests of a compacted file's messages are listed: away from the Parquet files, so that no footer grows with them. */
export function digestsName(file: string): string {
  const name = parseFileName(file)
  if (name === undefined) throw new TypeError(`${file} is no file of the lake`)
  return `digests/${prefixOf(file)}${fileName({ ...name, part: 1, parts: 1 }).replace('_1of1.parquet', '.txt')}`
}

/** One digest a line. */
export function formatDigests(digests: Iterable<string>): Uint8Array {
  return Buffer.from([...digests].join('\n'))
}

/** The inverse of {@link formatDigests}. */
export function parseDigests(text: Uint8Array): string[] {
  return Buffer.from(text).toString().split('\n').filter(Boolean)
}
