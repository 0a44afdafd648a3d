import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { repricePage } from '../../functions/query/prices/reprice.ts'
import { decodeBatch } from '../../shared/otlp/batch.ts'
import { loadCatalogue } from '../../shared/pricing/catalogue.ts'
import { createPricer } from '../../shared/pricing/pricer.ts'
import { openDuckDbStore } from '../../shared/warehouse/duckdb-store.ts'
import type { Cursor } from '../../shared/warehouse/trace-store.ts'
import { DAY_NANOS, monthOf, syntheticDelivery } from './synthetic-spans.ts'

/** `node scripts/bench/reprice.ts [spans]`: prices a store of 30 days anew, each trace as a whole, and prints what that takes as JSON. */
const SPANS = Number(process.argv[2] ?? 100_000)
const SPANS_PER_REQUEST = 512
const traffic = monthOf(SPANS, SPANS_PER_REQUEST)
const directory = await mkdtemp(join(tmpdir(), 'spanledger-bench-'))
const store = await openDuckDbStore({ path: join(directory, 'warehouse.duckdb') })
try {
  for (let request = 0; request * SPANS_PER_REQUEST < SPANS; request++)
    await store.write([decodeBatch(syntheticDelivery(traffic, request))])
  const pricer = createPricer({ catalogue: await loadCatalogue() })
  const bus = { publish: async () => {} }
  const used = process.cpuUsage()
  const started = performance.now()
  let spans = 0
  let pages = 0
  for (let after: Cursor | null | undefined; after !== null; pages++) {
    const query = {
      project: 'bench',
      from: traffic.from,
      to: traffic.from + 31n * DAY_NANOS,
      apply: false,
      ...(after && { after }),
    }
    const page = await repricePage(query, { reader: store, pricer, bus, now: Date.now })
    spans += page.spans
    after = page.next
  }
  const seconds = (performance.now() - started) / 1000
  const { user, system } = process.cpuUsage(used)
  console.log(JSON.stringify({ spans, pages, seconds, cpuMicrosPerSpan: (user + system) / spans }))
} finally {
  await store.close()
  await rm(directory, { recursive: true })
}
