import { crc32, deflateRawSync } from 'node:zlib'

/** 1980-01-01, the first day that the format knows: the same files give the same archive, whenever it is made. */
const DATE = 0x21
const UTF8 = 0x0800
const DEFLATE = 8

/** A zip archive of `files`, by name, in order of name. Each may hold up to 4 GiB. */
export function zip(files: Readonly<Record<string, Uint8Array>>): Buffer {
  const local: Buffer[] = []
  const central: Buffer[] = []
  let offset = 0
  const names = Object.keys(files).sort()
  for (const name of names) {
    const data = files[name] as Uint8Array
    const packed = deflateRawSync(data, { level: 9 })
    const path = Buffer.from(name)
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0)
    common.writeUInt16LE(UTF8, 2)
    common.writeUInt16LE(DEFLATE, 4)
    common.writeUInt16LE(DATE, 8)
    common.writeUInt32LE(crc32(data), 10)
    common.writeUInt32LE(packed.length, 14)
    common.writeUInt32LE(data.length, 18)
    common.writeUInt16LE(path.length, 22)
    const position = Buffer.alloc(14)
    position.writeUInt32LE(offset, 10)
    local.push(signature(0x04034b50), common, path, packed)
    central.push(signature(0x02014b50), Buffer.from([20, 0]), common, position, path)
    offset += 4 + common.length + path.length + packed.length
  }
  const directory = Buffer.concat(central)
  const end = Buffer.alloc(18)
  end.writeUInt16LE(names.length, 4)
  end.writeUInt16LE(names.length, 6)
  end.writeUInt32LE(directory.length, 8)
  end.writeUInt32LE(offset, 12)
  return Buffer.concat([...local, directory, signature(0x06054b50), end])
}

function signature(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
