import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeTracesJson } from '../otlp/decode-json.ts'
import type { Ledger } from '../spans/ledger.ts'
import { loadCatalogue } from './catalogue.ts'
import { createPricer } from './pricer.ts'

/** Where recorded emitters are; those written from their conventions are in a folder of it. */
export const FIXTURES = join(import.meta.dirname, '../../test/fixtures/emitters')
export const CONVENTIONS = join(FIXTURES, 'conventions')
/** Which has a row for each. */
export const README = readFileSync(join(FIXTURES, 'README.md'), 'utf8')

const pricer = createPricer({ catalogue: await loadCatalogue() })

/** Prices the trace in a file. */
export function priceFixture(path: string) {
  const { spans, rejected } = decodeTracesJson(readFileSync(path))
  if (rejected.size > 0) throw new Error(`${path}: ${[...rejected.keys()]}`)
  return { spans, ledgers: pricer.price(spans, { project: 'p' }) }
}

/** name, dialect, operation, status, cost; then tokens: input, cache read, cache write, output, reasoning. */
export type Row = readonly [string, string, string, string, bigint | null, ...(number | null)[]]

/** What a file's GenAI spans cost, in rows. No other may cost anything. */
export function fixtureRows(path: string): Row[] {
  const { spans, ledgers } = priceFixture(path)
  const rows = spans.map(({ name }, index) => row(name, ledgers[index]!))
  return rows.filter(([, dialect, , status]) => dialect !== '' || status !== 'no_usage')
}

function row(name: string, ledger: Ledger): Row {
  return [
    name,
    ledger.dialect,
    ledger.operation,
    ledger.costStatus,
    ledger.costPicoUsd,
    ledger.inputTokens,
    ledger.cacheReadTokens,
    ledger.cacheWriteTokens,
    ledger.outputTokens,
    ledger.reasoningTokens,
  ]
}

/*
 * The provider's own accounting (test/fixtures/emitters/provider.mjs) at its list prices in USD per million tokens:
 *   gpt-5-mini        464 × 0.25 + 1536 × 0.025 + 150 × 2                       = 0.0004544
 *   the same, where the emitter keeps the 1536 cached tokens to itself:
 *                    2000 × 0.25 + 150 × 2                                      = 0.0008
 *   claude-sonnet-4-5  12 × 3 + 1000 × 0.3 + 150 × 3.75 + 50 × 6 + 40 × 15      = 0.0017985
 *   the same, where all 200 cache writes look like those for five minutes:
 *                      12 × 3 + 1000 × 0.3 + 200 × 3.75 + 40 × 15               = 0.001686
 *   the same at Bedrock, in a region:
 *                      12 × 3.3 + 1000 × 0.33 + 200 × 4.125 + 40 × 16.5         = 0.0018546
 *   text-embedding-3-small  8 × 0.02                                            = 0.00000016
 *   gemini-2.5-flash  100 × 0.3 + 600 × 0.03 + 300 audio × 1 + (40 + 25) × 2.5  = 0.0005105
 *   the same, where cached and audio tokens are kept to itself:
 *                    1000 × 0.3 + (40 + 25) × 2.5                               = 0.0004625
 */
export const GPT = 454_400_000n
export const GPT_UNCACHED = 800_000_000n
export const CLAUDE = 1_798_500_000n
export const CLAUDE_5M = 1_686_000_000n
export const BEDROCK_CLAUDE = 1_854_600_000n
export const EMBEDDING = 160_000n
export const GEMINI = 510_500_000n
export const GEMINI_TEXT = 462_500_000n

export const NONE = [null, null, null, null, null] as const
export const ROLLED = [0, 0, 0, 0, 0] as const
export const GPT_TOKENS = [2000, 1536, 0, 150, 64] as const
export const CLAUDE_TOKENS = [1212, 1000, 200, 40, 0] as const
