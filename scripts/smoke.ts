import { parseArgs } from 'node:util'
import { describeError } from '../shared/errors.ts'
import { runSmoke, type SmokeOptions, type SmokeReport } from './smoke/stages.ts'

const USAGE = `npm run smoke -- --url URL [options]     sends one trace and follows it to every place where it has to show

  --url URL          where OTLP is sent; http://localhost:4318 unless given
  --query-url URL    where the reader API is, if elsewhere
  --key KEY          API key with the scopes ingest and read; with admin too, a budget is tried
  --timeout SECONDS  for everything together; 60 unless given
  --json             prints the report as JSON

Exits with 0 when every stage is passed, 1 when one failed, 2 when an option is wrong.
`

interface Options extends SmokeOptions {
  readonly json: boolean
}

function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      url: { type: 'string', default: 'http://localhost:4318' },
      'query-url': { type: 'string' },
      key: { type: 'string' },
      timeout: { type: 'string', default: '60' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return undefined
  const queryUrl = values['query-url']
  const seconds = Number(values.timeout)
  if (!(seconds > 0 && seconds <= 3_600)) throw new Error('--timeout must be a number of seconds, up to 3600')
  return {
    url: baseUrl('--url', values.url),
    ...(queryUrl !== undefined && { queryUrl: baseUrl('--query-url', queryUrl) }),
    ...(values.key !== undefined && { key: values.key }),
    timeoutMs: seconds * 1000,
    json: values.json,
  }
}

function baseUrl(option: string, text: string): string {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol)) throw new Error(`${option} must be an http or https URL`)
  return text.replace(/\/+$/, '')
}

function describeReport({ ok, url, queryUrl, stages }: SmokeReport): string {
  const marks = { ok: 'ok     ', failed: 'FAILED ', skipped: 'skipped' }
  const lines = stages.map(({ stage, status, ms, detail }) => {
    const latency = ms === null ? '' : `${(ms / 1000).toFixed(2)} s`
    return `  ${marks[status]}  ${stage.padEnd(17)}  ${latency.padStart(8)}  ${detail}`
  })
  const where = queryUrl === url ? url : `${url}, read at ${queryUrl}`
  return `${[`Smoke trace to ${where}; times since it was sent:`, ...lines, ok ? 'passed' : 'FAILED'].join('\n')}\n`
}

let options: Options | undefined
try {
  options = readOptions(process.argv.slice(2))
  if (options === undefined) process.stdout.write(USAGE)
} catch (error) {
  process.stderr.write(`smoke: ${describeError(error)}\n\n${USAGE}`)
  process.exitCode = 2
}
if (options !== undefined) {
  const report = await runSmoke(options)
  process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : describeReport(report))
  process.exitCode = report.ok ? 0 : 1
}
