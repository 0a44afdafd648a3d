import { parseArgs } from 'node:util'
import { misuse, runCommand } from './command.ts'
import { defaultServer } from './server-call.ts'
import { runSmoke, type SmokeOptions, type SmokeReport } from './smoke/stages.ts'

const USAGE = `npm run smoke -- --url URL [options]     sends one trace and follows it to every place where it has to show

  --url URL          where OTLP is sent; http://localhost:PORT unless given
  --query-url URL    where the reader API is, if elsewhere
  --key KEY          API key with the scopes ingest and read, or SPANLEDGER_KEY; with admin too, a budget is tried
  --timeout SECONDS  for everything together; 60 unless given
  --json             prints the report as JSON

Exits with 0 when every stage is passed, 1 when one failed, 2 when an option is wrong.
`

interface Options extends SmokeOptions {
  readonly json: boolean
}

function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      url: { type: 'string' },
      'query-url': { type: 'string' },
      key: { type: 'string' },
      timeout: { type: 'string', default: '60' },
      json: { type: 'boolean', default: false },
    },
  })
  const { url, key } = { ...defaultServer(), ...values }
  const queryUrl = values['query-url']
  const seconds = Number(values.timeout)
  if (!(seconds > 0 && seconds <= 3_600)) throw misuse('--timeout must be a number of seconds, up to 3600')
  return {
    url: baseUrl('--url', url),
    ...(queryUrl !== undefined && { queryUrl: baseUrl('--query-url', queryUrl) }),
    ...(key !== undefined && { key }),
    timeoutMs: seconds * 1000,
    json: values.json,
  }
}

function baseUrl(option: string, text: string): string {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol)) throw misuse(`${option} must be an http or https URL`)
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

async function main(args: readonly string[]): Promise<string> {
  const options = readOptions(args)
  const report = await runSmoke(options)
  process.exitCode = report.ok ? 0 : 1
  return options.json ? JSON.stringify(report) : describeReport(report)
}

await runCommand(USAGE, main)
