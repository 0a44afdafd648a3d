import { parseArgs } from 'node:util'
import { describeError } from '../shared/errors.ts'
import { type CostOptions, describeReport, estimateCost } from './cost/report.ts'

const USAGE = `npm run cost -- --spans-per-day N [options]     what a deployment on Google Cloud costs a month

  --spans-per-day N      0 for an idle deployment
  --spans-per-request N  spans of one export; 512 unless given, as SDKs batch under load
  --bytes-per-span B     adds prompt text up to this size, before compression; none unless given
  --llm-share S          share of spans that are calls of models, 0 to 1; 0.4 unless given
  --budgets N            budgets that apply to every call; 1 unless given
  --months-kept N        months of spans in storage; 1 unless given
  --json                 prints everything as JSON: usage, bill, prices with sources, assumptions
`

function readOptions(args: readonly string[]): (CostOptions & { readonly json: boolean }) | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      'spans-per-day': { type: 'string' },
      'spans-per-request': { type: 'string', default: '512' },
      'bytes-per-span': { type: 'string', default: '0' },
      'llm-share': { type: 'string', default: '0.4' },
      budgets: { type: 'string', default: '1' },
      'months-kept': { type: 'string', default: '1' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return undefined
  const spansPerDay = values['spans-per-day']
  if (spansPerDay === undefined) throw new Error('say how many spans: --spans-per-day N')
  const llmShare = Number(values['llm-share'])
  if (!(llmShare >= 0 && llmShare <= 1)) throw new Error('--llm-share must be a number of 0 to 1')
  return {
    spansPerDay: whole('--spans-per-day', spansPerDay, 0, 1e12),
    spansPerRequest: whole('--spans-per-request', values['spans-per-request'], 1, 4096),
    bytesPerSpan: whole('--bytes-per-span', values['bytes-per-span'], 0, 1e6),
    llmShare,
    budgets: whole('--budgets', values.budgets, 0, 100),
    monthsKept: whole('--months-kept', values['months-kept'], 0, 120),
    json: values.json,
  }
}

function whole(option: string, text: string, least: number, most: number): number {
  const value = /^\d{1,13}$/.test(text) ? Number(text) : -1
  if (value < least || value > most) throw new Error(`${option} must be a whole number of ${least} to ${most}`)
  return value
}

try {
  const options = readOptions(process.argv.slice(2))
  if (options === undefined) process.stdout.write(USAGE)
  else {
    const { json, ...given } = options
    const report = await estimateCost(given)
    process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : describeReport(report))
  }
} catch (error) {
  process.stderr.write(`cost: ${describeError(error)}\n\n${USAGE}`)
  process.exitCode = 1
}
