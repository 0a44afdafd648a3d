import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { readConfig } from '../shared/config.ts'
import { SpanledgerError } from '../shared/errors.ts'
import { type LakeSqlResult, queryLake } from '../shared/lake/lake-sql.ts'
import { lakeViews } from '../shared/lake/lake-views.ts'
import { localPaths } from '../shared/platform/local.ts'

const VIEWS = lakeViews([], { template: '', corrections: [] })
  .map(({ name, description }) => `  ${name.padEnd(14)}${description}`)
  .join('\n')

const USAGE = `npm run sql -- [--from TIME] [--to TIME] [--format table|json|csv] [--lake DIRECTORY] "SELECT …"
DuckDB over the lake; the server may be running. Views:
${VIEWS}
--from and --to are dates or RFC 3339 times; only the hours between them are read.`

/** Runs the command's arguments and returns what to print. */
export async function runSql(args: readonly string[], defaultLake: () => string): Promise<string> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      from: { type: 'string' },
      to: { type: 'string' },
      format: { type: 'string', default: 'table' },
      lake: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) return USAGE
  const [sql] = positionals
  if (sql === undefined || positionals.length > 1) throw new SpanledgerError('query/invalid', 'give one statement')
  const root = values.lake ?? defaultLake()
  if (!existsSync(root)) throw new SpanledgerError('lake/not-found', `there is no lake in ${root}`)
  const from = readTime(values.from)
  const to = readTime(values.to)
  const result = await queryLake(sql, { root, ...(from !== undefined && { from }), ...(to !== undefined && { to }) })
  return format(result, values.format)
}

function readTime(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const time = Date.parse(text)
  if (Number.isNaN(time)) throw new SpanledgerError('query/invalid', `${JSON.stringify(text)} is no time`)
  return time
}

function format({ columns, rows }: LakeSqlResult, kind: string): string {
  const text = (value: unknown) => (value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value))
  if (kind === 'json') {
    return JSON.stringify(
      rows.map((row) => Object.fromEntries(columns.map((name, index) => [name, row[index]]))),
      null,
      2,
    )
  }
  const lines = [columns, ...rows.map((row) => row.map(text))]
  if (kind === 'csv') return lines.map((line) => line.map(csvField).join(',')).join('\n')
  if (kind !== 'table') throw new SpanledgerError('query/invalid', '--format is table, json or csv')
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => (line[index] ?? '').length)))
  const rule = widths.map((width) => '-'.repeat(width))
  return [columns, rule, ...lines.slice(1)]
    .map((line) =>
      line
        .map((field, index) => field.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function csvField(field: string): string {
  return /[",\n\r]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field
}

if (import.meta.main) {
  try {
    console.log(await runSql(process.argv.slice(2), () => localPaths(readConfig()).lake))
  } catch (error) {
    console.error(error instanceof SpanledgerError ? error.message : `${error}\n\n${USAGE}`)
    process.exitCode = 2
  }
}
