import { FieldPath, Firestore } from '@google-cloud/firestore'
import { afterAll, beforeAll, describe } from 'vitest'
import { bucketKey, budgetRef, decodeState, openCollections } from '../../shared/budgets/firestore/documents.ts'
import { openFirestoreLedger } from '../../shared/budgets/firestore-ledger.ts'
import { reconcileSuite } from '../../shared/budgets/reconcile.suite.ts'
import { openBigQueryStore } from '../../shared/warehouse/bigquery-store.ts'
import { type BigQueryDouble, startBigQuery } from './bigquery.ts'
import { canRun, type Emulator, planFirestore, startEmulator } from './emulator.ts'

const plan = planFirestore()
let emulator: Emulator
let bigquery: BigQueryDouble

describe.skipIf(!canRun('Firestore', plan))('reconciliation on Google Cloud', () => {
  beforeAll(async () => {
    ;[emulator, bigquery] = await Promise.all([startEmulator(plan), startBigQuery()])
    await bigquery.createDataset('test', 'ledger')
  })
  afterAll(() => Promise.all([emulator?.stop(), bigquery?.close()]))

  const open = async (now: () => number) => {
    const firestore = new Firestore({ projectId: 'test', host: emulator.host, ssl: false })
    const ledger = openFirestoreLedger({ firestore, now, debitEveryMs: 0 })
    const store = await openBigQueryStore({ projectId: 'test', dataset: 'ledger', apiEndpoint: bigquery.url })
    const collections = openCollections(firestore, 'budget')
    return {
      ledger,
      store,
      async falsify(project: string, budget: string, bucket: number, amount: bigint) {
        const ref = budgetRef(collections, project, budget)
        const sums = decodeState((await ref.get()).data() ?? {}).buckets.get(bucketKey(1, bucket))
        if (sums === undefined) throw new Error('there is no such bucket')
        const path = (field: string) => new FieldPath('b', bucketKey(1, bucket), field)
        const [spent, debited] = [String(sums.spent + amount), String(sums.debited + amount)]
        await ref.update(path('s'), spent, path('d'), debited)
      },
      async close() {
        await Promise.all([ledger.close(), store.close()])
      },
    }
  }
  reconcileSuite('Firestore and BigQuery', { open, runs: 3 })
})
