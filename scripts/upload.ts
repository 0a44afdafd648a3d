import { parseArgs } from 'node:util'
import { type Config, readConfig } from '../shared/config.ts'
import { createParquetFormat } from '../shared/lake/parquet-format.ts'
import { type UploadReport, uploadLake } from '../shared/lake/upload.ts'
import { openBucketLake, openReadableLake } from '../shared/platform/lake-address.ts'
import { localPaths } from '../shared/platform/local.ts'
import { misuse, runCommand } from './command.ts'

const USAGE = `npm run upload -- --to gs://BUCKET [--lake DIRECTORY]
Copies a lake to a bucket, which may be in use: each message is there once afterwards. Run it again if it is cut short; what is
there already is not sent again. Stop an embedded server first, and compact its lake so that there is less to send.`

/** Copies the lake at `from` to the bucket address `to`. Rejects when nothing can be listed or read. */
export async function upload(config: Config, { from, to }: { from: string; to: string }): Promise<UploadReport> {
  const { store } = await openReadableLake(from, config)
  return uploadLake({ from: store, to: await openBucketLake(to, config), format: createParquetFormat() })
}

async function main(args: readonly string[]): Promise<string> {
  const { values } = parseArgs({ args: [...args], options: { to: { type: 'string' }, lake: { type: 'string' } } })
  if (values.to === undefined) throw misuse('say --to gs://BUCKET')
  const config = readConfig()
  const report = await upload(config, { from: values.lake ?? localPaths(config).lake, to: values.to })
  for (const [prefix, reason] of Object.entries(report.failed)) console.error(`${prefix}: ${reason}`)
  if (Object.keys(report.failed).length > 0) process.exitCode = 1
  return `copied ${report.copied} files of ${report.bytes} bytes; ${report.present} were there`
}

if (import.meta.main) await runCommand(USAGE, main)
