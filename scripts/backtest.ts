import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { describeError, SpanledgerError } from '../shared/errors.ts'
import { misuse, runCommand } from './command.ts'
import { defaultServer, post } from './server-call.ts'

const USAGE = `npm run backtest -- BUDGET.json --from TIME --to TIME [--url URL] [--key KEY]
Says what a budget would have blocked and saved on the traffic that a running server has recorded. BUDGET.json is what
would be PUT: {"limit": {"usd": 5}, "period": "day", "selector": {"user": "u1"}}. Times are RFC 3339. The server is at
http://localhost:PORT unless --url says otherwise; the key (scope read) can also be given as SPANLEDGER_KEY. Prints JSON.`

async function main(args: readonly string[]): Promise<string> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { from: { type: 'string' }, to: { type: 'string' }, url: { type: 'string' }, key: { type: 'string' } },
  })
  const [file] = positionals
  const { from, to, url, key } = { ...defaultServer(), ...values }
  if (file === undefined || positionals.length > 1) throw misuse('name one file: BUDGET.json')
  if (from === undefined || to === undefined) throw misuse('say of which time: --from TIME --to TIME')
  const budget = readBudget(file, await readText(file))
  return JSON.stringify(await post({ url, key }, '/ledger/v1/budgets:backtest', { budget, from, to }), null, 2)
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new SpanledgerError('config/invalid', `${file} cannot be read (${code}); name a file with a budget`, {
      cause,
    })
  }
}

function readBudget(file: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new SpanledgerError('config/invalid', `${file} is not valid JSON (${describeError(cause)})`, { cause })
  }
}

await runCommand(USAGE, main)
