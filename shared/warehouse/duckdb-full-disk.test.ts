import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

/** Writes until no write passes any more, lifts the limit on the size of files, and writes on. */
const SCRIPT = `
import { execFileSync } from 'node:child_process'
import { EMPTY_LEDGER } from '${new URL('../spans/ledger.ts', import.meta.url)}'
import { openDuckDbStore } from '${new URL('./duckdb-store.ts', import.meta.url)}'

const path = process.argv[1]
const resource = { attributes: new Map(), droppedAttributesCount: 0, schemaUrl: '' }
const scope = { name: '', version: '', attributes: new Map(), droppedAttributesCount: 0, schemaUrl: '' }
const hex = (number, length) => (number * 2654435761 % 2 ** 32).toString(16).repeat(4).slice(0, length).padStart(length, 'a')
const span = (number) => ({
  traceId: hex(number, 32), spanId: number.toString(16).padStart(16, '0'), parentSpanId: '', traceState: '', flags: 0,
  name: 'n' + hex(number, 32), kind: 'CLIENT', startTimeUnixNano: BigInt(number), endTimeUnixNano: BigInt(number),
  attributes: new Map([['prompt', hex(number, 32).repeat(8)]]), droppedAttributesCount: 0, events: [], droppedEventsCount: 0,
  links: [], droppedLinksCount: 0, statusCode: 'OK', statusMessage: '', resource, scope,
})
const batch = (digest) => ({
  context: { project: 'p', digest: String(digest), ingestedAt: 1n },
  spans: Array.from({ length: 500 }, (_, index) => ({ span: span(digest * 500 + index), ledger: EMPTY_LEDGER })),
})
let store = await openDuckDbStore({ path, checkpointBytes: 1_000_000 })
const codes = new Set()
let failures = 0
let digest = 0
while (digest < 60) {
  try {
    await store.write([batch(digest)])
    digest++
  } catch (error) {
    codes.add(error.code)
    if (++failures === 3) execFileSync('prlimit', ['--pid', String(process.pid), '--fsize=unlimited:'])
    if (failures > 10) throw error
  }
}
await store.close()
store = await openDuckDbStore({ path })
const { stored } = await store.counts('p')
const [{ spans }] = await store.usage({ filter: { project: 'p' }, groupBy: [], maxRows: 1 })
await store.close()
console.log(JSON.stringify({ failures, codes: [...codes], stored: Number(stored), spans }))
`

test.runIf(process.platform === 'linux')(
  'a full disk fails writes and checkpoints, loses nothing acknowledged, and is forgotten once there is room',
  async () => {
    const directory = await mkdtemp(join(tmpdir(), 'spanledger-full-'))
    try {
      // Files may have 3,000 KiB: beyond, writes fail as they do on a full disk.
      const shell = 'ulimit -S -f 3000; exec "$0" --input-type=module -e "$1" "$2"'
      const arguments_ = ['-c', shell, process.execPath, SCRIPT, join(directory, 'warehouse.duckdb')]
      const { stdout } = await promisify(execFile)('bash', arguments_)
      expect(JSON.parse(stdout)).toStrictEqual({
        failures: 3,
        codes: ['store/unavailable'],
        stored: 30_000,
        spans: 30_000,
      })
    } finally {
      await rm(directory, { recursive: true })
    }
  },
)
