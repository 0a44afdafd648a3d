import { BigqueryDataset } from '@cdktf/provider-google/lib/bigquery-dataset/index.js'
import { BigqueryTable } from '@cdktf/provider-google/lib/bigquery-table/index.js'
import type { StorageBucket } from '@cdktf/provider-google/lib/storage-bucket/index.js'
import { type ColumnType, LAKE_COLUMNS } from '../shared/spans/columns.ts'
import { bigQueryCorrectionSchema } from '../shared/warehouse/bigquery/schema.ts'
import { uniqueSpansView } from '../shared/warehouse/bigquery/scope.ts'
import {
  BIGQUERY_CLUSTERING,
  BIGQUERY_PARTITIONING,
  type BigQueryField,
  bigQueryBatchSchema,
  bigQueryBookSchema,
  bigQuerySchema,
  bigQueryViews,
} from '../shared/warehouse/ddl/bigquery.ts'
import { type Context, isProtected } from './context.ts'

const DAY_MS = 86_400_000

/** The dataset with its tables and views. */
export function createWarehouse(context: Context): BigqueryDataset {
  const { scope, deployment, labels } = context
  const { project, region, dataLocation = region, retentionDays } = deployment
  const dataset = new BigqueryDataset(scope, 'dataset', {
    project,
    datasetId: context.dataset,
    location: dataLocation,
    description: 'Spanledger: spans and what they cost',
    labels,
    deleteContentsOnDestroy: !isProtected(context),
  })
  const table = { project, datasetId: dataset.datasetId, labels, deletionProtection: isProtected(context) }
  const expiry = retentionDays === undefined ? {} : { expirationMs: retentionDays * DAY_MS }
  const spans = new BigqueryTable(scope, 'table-spans', {
    ...table,
    tableId: 'spans',
    description: 'every span as it arrived, with its cost; read spans_unique',
    schema: JSON.stringify(bigQuerySchema()),
    timePartitioning: { ...BIGQUERY_PARTITIONING, ...expiry },
    clustering: [...BIGQUERY_CLUSTERING],
  })
  new BigqueryTable(scope, 'table-batches', {
    ...table,
    tableId: 'batches',
    description: 'every message that was stored, once',
    schema: JSON.stringify(bigQueryBatchSchema()),
    // Kept: what was once stored is counted, by the lake as well, when it has been deleted.
    timePartitioning: { type: 'DAY', field: 'ingested_at' },
    clustering: ['project_id', 'digest'],
  })
  const corrections = new BigqueryTable(scope, 'table-corrections', {
    ...table,
    tableId: 'corrections',
    description: 'ledgers that hold instead of those that spans came with',
    schema: JSON.stringify(bigQueryCorrectionSchema()),
    timePartitioning: { type: 'DAY', field: 'corrected_at', ...expiry },
    clustering: [...BIGQUERY_CLUSTERING],
  })
  new BigqueryTable(scope, 'table-books', {
    ...table,
    tableId: 'books',
    description: 'every message that was taken, refused, given up and replayed',
    schema: JSON.stringify(bigQueryBookSchema()),
    timePartitioning: { type: 'DAY', field: 'recorded_at' },
    clustering: ['project_id', 'kind'],
  })
  let earlier = spans
  const qualified = `${project}.${context.dataset}`
  for (const { name, select } of bigQueryViews(qualified)) {
    earlier = new BigqueryTable(scope, `view-${name}`, {
      ...table,
      tableId: name,
      // A view holds no data, and has to be replaced when its columns change.
      deletionProtection: false,
      view: { query: name === 'spans_unique' ? uniqueSpansView(qualified) : select, useLegacySql: false },
      // Views read those before them.
      dependsOn: [corrections, earlier],
    })
  }
  return dataset
}

const LAKE_TYPES: Readonly<Record<Exclude<ColumnType, 'attributes' | 'attributesList'>, string>> = {
  string: 'STRING',
  json: 'STRING',
  int64: 'INT64',
  float64: 'FLOAT64',
  // BigQuery's TIMESTAMP ends at microseconds: it gives Parquet's nanoseconds as the integers they are.
  timestamp: 'INT64',
  strings: 'STRING',
}

/** The lake's columns as BigQuery reads them from Parquet. It allows no dots in names: `Events` has what those columns say. */
function lakeSchema(): BigQueryField[] {
  return LAKE_COLUMNS.filter(({ lake }) => !lake.includes('.')).map(
    ({ lake: name, type, description }): BigQueryField => {
      if (type === 'attributes') return { name, type: 'RECORD', mode: 'NULLABLE', description, fields: [KEY_VALUES] }
      if (type === 'attributesList') throw new Error(`${name}: BigQuery has no type for it`)
      return { name, type: LAKE_TYPES[type], mode: 'NULLABLE', description }
    },
  )
}

const KEY_VALUES: BigQueryField = {
  name: 'key_value',
  type: 'RECORD',
  mode: 'REPEATED',
  fields: [
    { name: 'key', type: 'STRING', mode: 'NULLABLE' },
    { name: 'value', type: 'STRING', mode: 'NULLABLE' },
  ],
}

/** The lake's files as a table. The schema is given, not detected: there may be no file yet. */
export function createLakeTable(context: Context, dataset: BigqueryDataset, bucket: StorageBucket): void {
  const { scope, deployment, labels } = context
  new BigqueryTable(scope, 'table-lake', {
    project: deployment.project,
    datasetId: dataset.datasetId,
    tableId: 'lake_spans',
    description: 'the Parquet files of the lake; filter by dt and hr to read few of them',
    labels,
    deletionProtection: false,
    externalDataConfiguration: {
      autodetect: false,
      sourceFormat: 'PARQUET',
      sourceUris: [`gs://${bucket.name}/traces/*.parquet`],
      schema: JSON.stringify(lakeSchema()),
      parquetOptions: { enableListInference: true },
      hivePartitioningOptions: {
        mode: 'CUSTOM',
        sourceUriPrefix: `gs://${bucket.name}/traces/{dt:DATE}/{hr:INTEGER}`,
        requirePartitionFilter: false,
      },
    },
  })
}
