import { parseArgs } from 'node:util'
import { misuse, runCommand, wholeNumber } from './command.ts'
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

function readOptions(args: readonly string[]): CostOptions & { readonly json: boolean } {
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
    },
  })
  const spansPerDay = values['spans-per-day']
  if (spansPerDay === undefined) throw misuse('say how many spans: --spans-per-day N')
  const llmShare = Number(values['llm-share'])
  if (!(llmShare >= 0 && llmShare <= 1)) throw misuse('--llm-share must be a number of 0 to 1')
  return {
    spansPerDay: wholeNumber('--spans-per-day', spansPerDay, 0, 1e12),
    spansPerRequest: wholeNumber('--spans-per-request', values['spans-per-request'], 1, 4096),
    bytesPerSpan: wholeNumber('--bytes-per-span', values['bytes-per-span'], 0, 1e6),
    llmShare,
    budgets: wholeNumber('--budgets', values.budgets, 0, 100),
    monthsKept: wholeNumber('--months-kept', values['months-kept'], 0, 120),
    json: values.json,
  }
}

async function main(args: readonly string[]): Promise<string> {
  const { json, ...given } = readOptions(args)
  const report = await estimateCost(given)
  return json ? JSON.stringify(report, null, 2) : describeReport(report)
}

await runCommand(USAGE, main)
