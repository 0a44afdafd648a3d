import { afterAll, beforeAll } from 'vitest'
import { type BigQueryDouble, startBigQuery } from '../../test/emulators/bigquery.ts'
import { openBigQueryStore } from './bigquery-store.ts'
import { traceStoreSuite } from './trace-store.suite.ts'

let double: BigQueryDouble
let used = 0

beforeAll(async () => {
  double = await startBigQuery()
})
afterAll(() => double.close())

async function open() {
  const dataset = `d${used++}`
  await double.createDataset('p', dataset)
  return openBigQueryStore({ projectId: 'p', dataset, apiEndpoint: double.url, retry: { delayMs: 1, attempts: 3 } })
}

// The emulator takes some 20 ms for each request, and a property makes dozens.
traceStoreSuite('BigQuery', open, { runs: 2, tellsDuplicates: false })
