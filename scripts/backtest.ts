import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { readConfig } from '../shared/config.ts'
import { describeError, SpanledgerError } from '../shared/errors.ts'

const USAGE = `npm run backtest -- BUDGET.json --from TIME --to TIME [--url URL] [--key KEY]
Says what a budget would have blocked and saved on the traffic that a running server has recorded. BUDGET.json is what
would be PUT: {"limit": {"usd": 5}, "period": "day", "selector": {"user": "u1"}}. Times are RFC 3339. The server is at
http://localhost:PORT unless --url says otherwise; the key (scope read) can also be given as SPANLEDGER_KEY. Prints JSON.`

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      from: { type: 'string' },
      to: { type: 'string' },
      url: { type: 'string' },
      key: { type: 'string' },
      help: { type: 'boolean' },
    },
  })
  const [file] = positionals
  const { from, to, help, url = `http://localhost:${readConfig().PORT}`, key = process.env.SPANLEDGER_KEY } = values
  if (help || file === undefined || from === undefined || to === undefined) {
    process.stdout.write(`${USAGE}\n`)
    process.exitCode = help ? 0 : 2
    return
  }
  const budget = JSON.parse(await readFile(file, 'utf8'))
  const response = await fetch(`${url}/ledger/v1/budgets:backtest`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key && { authorization: `Bearer ${key}` }) },
    body: JSON.stringify({ budget, from, to }),
  }).catch((cause) => {
    throw new SpanledgerError('query/invalid', `no server answers at ${url}; start one, or name it with --url`, {
      cause,
    })
  })
  const answer = (await response.json()) as { detail?: string }
  if (!response.ok)
    throw new SpanledgerError('query/invalid', `the server answered: ${answer.detail ?? response.status}`)
  process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`)
}

main().catch((error) => {
  process.stderr.write(`backtest: ${describeError(error)}\n`)
  process.exit(1)
})
