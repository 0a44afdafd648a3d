import { parseArgs } from 'node:util'
import { type Config, readConfig } from '../shared/config.ts'
import { parseTime } from '../shared/http/time.ts'
import { type LakeSqlResult, queryLake } from '../shared/lake/lake-sql.ts'
import { lakeViews } from '../shared/lake/lake-views.ts'
import { defaultLake, openReadableLake } from '../shared/platform/lake-address.ts'
import { misuse, runCommand } from './command.ts'

const VIEWS = lakeViews({ spans: [], corrections: [], quarantine: [], template: '' })
  .map(({ name, description }) => `  ${name.padEnd(14)}${description}`)
  .join('\n')

const USAGE = `npm run sql -- [--from TIME] [--to TIME] [--format table|json|csv] [--lake DIRECTORY|gs://BUCKET] "SELECT …"
DuckDB over the lake; the server may be running. Views:
${VIEWS}
--from and --to are dates (UTC) or RFC 3339 times; only the hours between them are read. From a bucket they are fetched, and kept
in the data directory. A file that cannot be read is named and left out, and the exit code is 1.`

const NANOS_PER_MILLI = 1_000_000n

const FORMATS = ['table', 'json', 'csv']

/** What the command says: the answer, and on standard error what is missing from it. */
export interface SqlOutput {
  readonly text: string
  readonly warnings: readonly string[]
}

/** Runs the command's arguments and returns what to print. */
export async function runSql(args: readonly string[], config: Config): Promise<SqlOutput> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      from: { type: 'string' },
      to: { type: 'string' },
      format: { type: 'string', default: 'table' },
      lake: { type: 'string' },
    },
  })
  const [sql] = positionals
  if (sql === undefined || sql.trim() === '' || positionals.length > 1) throw misuse('give one statement, in quotes')
  if (!FORMATS.includes(values.format)) throw misuse('--format is table, json or csv')
  const from = readTime(values.from)
  const to = readTime(values.to)
  if (from !== undefined && to !== undefined && from >= to)
    throw misuse('--from must be before --to: nothing lies between them')
  const lake = await openReadableLake(values.lake ?? defaultLake(config), config)
  const result = await queryLake(sql, { lake, ...(from !== undefined && { from }), ...(to !== undefined && { to }) })
  const warnings = Array.from(result.unreadable, ([name, reason]) => `left out ${name}: ${reason}`)
  return { text: format(result, values.format), warnings }
}

function readTime(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const time = /^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text
  try {
    return Number(parseTime(time) / NANOS_PER_MILLI)
  } catch {
    throw misuse(`${JSON.stringify(text)} is no time such as 2026-01-31 or 2026-01-31T09:30:00Z`)
  }
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
  const given = [columns, ...rows.map((row) => row.map(text))]
  if (kind === 'csv') return given.map((line) => line.map(csvField).join(',')).join('\n')
  const lines = given.map((line) => line.map(printable))
  const widths = columns.map((_, index) => lines.reduce((most, line) => Math.max(most, line[index]?.length ?? 0), 0))
  const rule = widths.map((width) => '-'.repeat(width))
  return [lines[0] ?? [], rule, ...lines.slice(1)]
    .map((line) =>
      line
        .map((field, index) => field.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** What spans say must not move a terminal's cursor, nor break a line of the table. */
function printable(field: string): string {
  return field.replaceAll(/\p{Cc}/gu, (character) =>
    character === '\n' ? '\\n' : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function csvField(field: string): string {
  return /[",\n\r]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field
}

async function main(args: readonly string[]): Promise<string> {
  const { text, warnings } = await runSql(args, readConfig())
  for (const warning of warnings) console.error(warning)
  if (warnings.length > 0) process.exitCode = 1
  return text
}

if (import.meta.main) await runCommand(USAGE, main)
