import zlib from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { parseContentEncoding, readBody } from './body.ts'

const MAX = 10_000
const TEXT = Buffer.from('the quick brown fox '.repeat(100))

async function* pieces(data: Buffer, size = 7): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < data.length; at += size) yield data.subarray(at, at + size)
}

const read = (data: Buffer, contentEncoding: string | null = null, contentLength: string | null = null) =>
  readBody(pieces(data), { contentEncoding, contentLength }, { maxBytes: MAX })

const CODECS = [
  ['identity', (data: Buffer) => data],
  ['gzip', (data: Buffer) => zlib.gzipSync(data)],
  ['x-gzip', (data: Buffer) => zlib.gzipSync(data)],
  ['deflate', (data: Buffer) => zlib.deflateSync(data)],
  ['Deflate', (data: Buffer) => zlib.deflateRawSync(data)],
  ['zstd', (data: Buffer) => zlib.zstdCompressSync(data)],
] as const

describe.each(CODECS)('%s', (name, compress) => {
  test('comes back as it was', async () => {
    expect(Buffer.from(await read(compress(TEXT), name))).toStrictEqual(TEXT)
  })

  test('exactly the bound is taken, a byte more is not', async () => {
    // Random bytes grow when compressed, and the bound holds for what is sent too.
    const exact = Buffer.alloc(MAX, 'ab')
    expect(await read(compress(exact), name)).toHaveLength(MAX)
    await expect(read(compress(Buffer.alloc(MAX + 1, 'ab')), name)).rejects.toMatchObject({ code: 'otlp/too-large' })
  })

  test('a body of nothing is empty', async () => {
    expect(await read(Buffer.alloc(0), name)).toHaveLength(0)
  })
})

test.each([1, 2, 3])('a body in %i pieces is taken whole', async (count) => {
  const body = pieces(TEXT, Math.ceil(TEXT.length / count))
  const data = await readBody(body, { contentEncoding: null, contentLength: null }, { maxBytes: MAX })
  expect(Buffer.from(data)).toStrictEqual(TEXT)
})

describe.each(CODECS.slice(1))('%s, broken', (name, compress) => {
  test.each([
    ['cut off', compress(TEXT).subarray(0, -3)],
    ['nothing of the kind', Buffer.from('hello there')],
  ])('%s is malformed', async (_, data) => {
    await expect(read(data, name)).rejects.toMatchObject({ code: 'otlp/malformed' })
  })

  test('a bomb is stopped at the bound', async () => {
    const bomb = compress(Buffer.alloc(MAX * 500))
    expect(bomb.length).toBeLessThan(MAX)
    await expect(read(bomb, name)).rejects.toMatchObject({ code: 'otlp/too-large' })
  })
})

test('a zstd frame that claims a huge window is refused before it is set aside', async () => {
  // Magic number, a frame header without a content size, a window of 1 GiB, an empty last block.
  const frame = Buffer.from('28b52ffd00a0010000', 'hex')
  await expect(read(frame, 'zstd')).rejects.toMatchObject({ code: 'otlp/malformed' })
})

test('a body that is too large is not read to its end', async () => {
  let served = 0
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) {
      served += 1000
      yield new Uint8Array(1000)
    }
  }
  const headers = { contentEncoding: null, contentLength: null }
  await expect(readBody(endless(), headers, { maxBytes: MAX })).rejects.toMatchObject({ code: 'otlp/too-large' })
  expect(served).toBe(MAX + 1000)
})

test('a body that says it is too large is not read at all', async () => {
  async function* untouched(): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(1)
    throw new Error('was read')
  }
  const headers = { contentEncoding: null, contentLength: String(MAX + 1) }
  await expect(readBody(untouched(), headers, { maxBytes: MAX })).rejects.toMatchObject({ code: 'otlp/too-large' })
})

test('a body that breaks off is malformed', async () => {
  async function* breaking(): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(1)
    throw new Error('socket hang up')
  }
  const headers = { contentEncoding: null, contentLength: null }
  await expect(readBody(breaking(), headers, { maxBytes: MAX })).rejects.toMatchObject({ code: 'otlp/malformed' })
})

test.each(['br', 'gzip, gzip', 'gzip,zstd', 'gzip;q=1', 'compress', '*'])('%s is not undone', (header) => {
  expect(() => parseContentEncoding(header)).toThrow(expect.objectContaining({ code: 'otlp/unsupported-encoding' }))
})
