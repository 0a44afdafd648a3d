import { parseArgs } from 'node:util'
import { describeError } from '../shared/errors.ts'
import { runCommand, wholeNumber } from './command.ts'
import { planTraces } from './demo/plan.ts'
import { awaitTraces, type Reader, type Spend, spendByModel } from './demo/readback.ts'
import { type SentTrace, sendTraces } from './demo/send.ts'
import { defaultServer } from './server-call.ts'

const USAGE = `npm run demo -- [options]     sends realistic agent traces through the OpenTelemetry SDK

  --url URL      where the server listens; http://localhost:PORT unless given
  --key KEY      API key, where the server demands one, or SPANLEDGER_KEY; needs the scopes ingest and read
  --traces N     how many traces; 120 unless given
  --hours N      over how many hours up to now they are spread; 24 unless given
  --seed N       other seeds give other traffic; 1 unless given
`

const HOUR_MS = 3_600_000

interface DemoOptions extends Reader {
  readonly traces: number
  readonly hours: number
  readonly seed: number
}

function readOptions(args: readonly string[]): DemoOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      url: { type: 'string' },
      key: { type: 'string' },
      traces: { type: 'string', default: '120' },
      hours: { type: 'string', default: '24' },
      seed: { type: 'string', default: '1' },
    },
  })
  const { url, key } = { ...defaultServer(), ...values }
  return {
    url: url.replace(/\/+$/, ''),
    headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
    traces: wholeNumber('--traces', values.traces, 1, 100_000),
    hours: wholeNumber('--hours', values.hours, 1, 24 * 365),
    seed: wholeNumber('--seed', values.seed, 1, 2 ** 31),
  }
}

async function run(options: DemoOptions): Promise<undefined> {
  const { url, traces, hours, seed } = options
  if (!(await answers(url))) throw new Error(`no Spanledger answers at ${url}; start one with: npm start`)

  const now = Date.now()
  const planned = planTraces({ traces, seed, now, hours })
  const sent = await sendTraces(planned, options).catch((error) => {
    throw new Error(`the server did not take the traces (${describeError(error)}); if it wants a key: --key KEY`)
  })
  process.stdout.write(`Sent ${describe(sent)} of the last ${hours} h to ${url}/v1/traces.\n`)
  await awaitTraces(options, sent)
  const seconds = ((Date.now() - now) / 1_000).toFixed(1)
  process.stdout.write(`All of them can be queried, ${seconds} s after the first was sent.\n\n`)
  process.stdout.write(spendTable(await spendByModel(options, new Date(now - hours * HOUR_MS)), hours))
  process.stdout.write(`\n${whereToLook(options, sent.at(-1)!)}`)
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/healthz`)).ok
  } catch {
    return false
  }
}

function describe(sent: readonly SentTrace[]): string {
  const spans = sent.reduce((sum, { spanCount }) => sum + spanCount, 0)
  return `${sent.length} traces with ${spans} spans`
}

function spendTable({ totals, groups }: Spend, hours: number): string {
  const spent = groups.filter(({ calls, group }) => calls > 0 && group.model !== '')
  const head = ['provider', 'model', 'calls', 'input', 'output', 'USD']
  const rows = [
    head,
    ...spent.map((row) => [row.group.provider, row.group.model, ...figures(row)]),
    ['', 'all', ...figures({ ...totals, calls: spent.reduce((sum, { calls }) => sum + calls, 0) })],
  ]
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  const line = (row: readonly string[]) =>
    row.map((cell, column) => (column < 2 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join('  ')
  const title = `Spend of the demo by model, last ${hours} h (${totals.requests} requests, ${totals.errors} failed spans):`
  return `${[title, ...rows.map((row) => `  ${line(row)}`)].join('\n')}\n`
}

function figures({ calls, usage, cost }: Spend['totals'] | Spend['groups'][number]): string[] {
  const { inputTokens, outputTokens } = usage
  return [calls, inputTokens ?? 0, outputTokens ?? 0].map(String).concat(usdText(cost))
}

/** A dash where there was nothing to pay for, a question mark where it is not known. */
function usdText({ usd, unknownSpans }: Spend['totals']['cost']): string {
  if (usd !== null) return usd.toFixed(6)
  return unknownSpans > 0 ? '?' : '-'
}

function whereToLook({ url, headers }: DemoOptions, latest: SentTrace): string {
  const key = 'authorization' in headers ? " -H 'authorization: Bearer …'" : ''
  return `${[
    'Look at it:',
    `  curl${key} '${url}/ledger/v1/traces/${latest.traceId}'`,
    `  curl${key} '${url}/ledger/v1/traces?sort=-cost&pageSize=5'`,
    `  curl${key} '${url}/ledger/v1/traces?status=ERROR'`,
    `  curl${key} '${url}/ledger/v1/usage?groupBy=user,model&interval=hour'`,
  ].join('\n')}\n`
}

await runCommand(USAGE, (args) => run(readOptions(args)))
