import { expect, test } from 'vitest'
import { buildChat, buildSpan } from '../../test/support/span.ts'
import { loadCatalogue } from './catalogue.ts'
import { createCustomCatalogue } from './custom-catalogue.ts'
import { createPricer } from './pricer.ts'

const base = await loadCatalogue()
const REASON = /^more than 9223372 USD at the price of /

test('a billion searches cost more than 64 bits hold, and what was left of that was their cost', () => {
  const attributes = { 'gen_ai.provider.name': 'anthropic', 'anthropic.usage.server_tool_use.web_search_requests': 1e9 }
  const span = buildChat('claude-sonnet-4-5', { input_tokens: 5 }, { attributes })
  const [ledger] = createPricer({ catalogue: base }).price([span], { project: 'p' })
  expect(ledger).toMatchObject({ costStatus: 'unpriced', costPicoUsd: null })
  expect(JSON.parse(ledger!.receipt).reason).toMatch(REASON)
})

test.each([
  [1e9, 'unpriced'],
  ['9223.372036854', 'priced'],
  ['9223.372036855', 'unpriced'],
])('a billion tokens at %s USD a million are %s', (input_mtok, status) => {
  const shared = [{ provider: '*', model: 'dear', prices: { input_mtok } }]
  const pricer = createPricer({ catalogue: createCustomCatalogue({ base, shared }) })
  const [ledger] = pricer.price([buildChat('dear', { input_tokens: 1e9 })], { project: 'p' })
  expect(ledger?.costStatus).toBe(status)
  if (status === 'unpriced') expect(JSON.parse(ledger!.receipt).reason).toMatch(REASON)
  else expect(ledger?.costPicoUsd).toBe(9_223_372_036_854_000_000n)
})

/** A call of which nobody knows whether its input count includes the cached tokens. */
function ambiguous(prices: Readonly<Record<string, number>>) {
  const shared = [{ provider: '*', model: 'dear', prices }]
  const pricer = createPricer({ catalogue: createCustomCatalogue({ base, shared }) })
  const attributes = {
    'gen_ai.system': 'anthropic',
    'llm.request.type': 'chat',
    'gen_ai.request.model': 'dear',
    'gen_ai.usage.input_tokens': 1e9,
    'gen_ai.usage.cache_read_input_tokens': 9e8,
  }
  const span = buildSpan({ scope: 'opentelemetry.instrumentation.llamaindex', attributes })
  return pricer.price([span], { project: 'p' })[0]!
}

test('of two possible costs the greater was more than 64 bits hold', () => {
  expect(ambiguous({ input_mtok: 9, cache_read_mtok: 0.5 }).costStatus).toBe('ambiguous')
  const ledger = ambiguous({ input_mtok: 9000, cache_read_mtok: 500 })
  expect(ledger).toMatchObject({ costStatus: 'unpriced', costUpperPicoUsd: null })
  expect(JSON.parse(ledger.receipt).reason).toMatch(REASON)
})
