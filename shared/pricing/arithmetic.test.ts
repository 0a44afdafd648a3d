import { expect, test } from 'vitest'
import { buildChat } from '../../test/support/span.ts'
import { loadCatalogue, loadProviders } from './catalogue.ts'
import { createPricer } from './pricer.ts'
import type { Receipt } from './receipt.ts'
import { type Case, PLAIN } from './test-arithmetic.ts'
import { AZURE, BEDROCK, VERTEX } from './test-arithmetic-clouds.ts'
import { ANTHROPIC, DEEPSEEK, GEMINI, GROQ, MISTRAL, OPENAI, PERPLEXITY, XAI } from './test-arithmetic-makers.ts'

const pricer = createPricer({ catalogue: await loadCatalogue() })
const providers = await loadProviders()

const ROWS = Object.entries({
  openai: OPENAI,
  anthropic: ANTHROPIC,
  'gcp.gemini': GEMINI,
  'gcp.vertex_ai': VERTEX,
  'aws.bedrock': BEDROCK,
  'azure.ai.openai': AZURE,
  mistral_ai: MISTRAL,
  x_ai: XAI,
  deepseek: DEEPSEEK,
  groq: GROQ,
  perplexity: PERPLEXITY,
}).flatMap(([provider, rows]) =>
  rows.map(([what, model, units, usage]) => [provider, what, model, units, usage] as const),
)

function price(provider: string, model: string, { usage, with: more, ...sketch }: Case) {
  const attributes = { 'gen_ai.provider.name': provider, ...more }
  return pricer.price([buildChat(model, usage, { ...sketch, attributes })], { project: 'p' })[0]!
}

test.each(ROWS)('%s, %s: %s costs %d units', (provider, _what, model, units, usage) => {
  expect(price(provider, model, usage)).toMatchObject({ costStatus: 'priced', costPicoUsd: units })
})

/** Receipt units by the listed price that is theirs alone; a price that rises with the input is one for `above`. */
const UNITS: Readonly<Record<string, string>> = {
  input_mtok: 'input_tokens',
  output_mtok: 'output_tokens',
  cache_read_mtok: 'cache_read_tokens',
  cache_write_mtok: 'cache_write_5m_tokens',
  cache_write_1h_mtok: 'cache_write_1h_tokens',
  input_audio_mtok: 'input_audio_tokens',
  cache_audio_read_mtok: 'cache_read_audio_tokens',
  output_audio_mtok: 'output_audio_tokens',
  input_image_mtok: 'input_image_tokens',
  cache_image_read_mtok: 'cache_read_image_tokens',
  output_image_mtok: 'output_image_tokens',
  web_searches_kcount: 'web_searches',
  requests_kcount: 'requests',
}

test.each(['openai', 'anthropic', 'google', 'aws', 'azure', 'mistral', 'x-ai', 'deepseek', 'groq'])(
  'every kind of price that the catalogue has for %s is in a row',
  (id) => {
    const listed = new Set<string>()
    const { fallback_model_providers: makers = [] } = providers.find((provider) => provider.id === id)!
    for (const { models } of providers.filter((provider) => provider.id === id || makers.includes(provider.id)))
      for (const { prices } of models)
        for (const list of Array.isArray(prices) ? prices.map((period) => period.prices) : [prices])
          for (const [key, price] of Object.entries(list)) {
            if (UNITS[key] !== undefined) listed.add(UNITS[key])
            if (UNITS[key] !== undefined && typeof price === 'object') listed.add('above')
          }
    const rows = ROWS.filter(([provider]) => CATALOGUE_IDS[provider] === id)
    const shown = new Set(
      rows.flatMap(([provider, , model, , usage]) => {
        const { lines, above }: Receipt = JSON.parse(price(provider, model, usage).receipt)
        return [...lines!.map(({ unit }) => unit), ...(above === undefined ? [] : ['above'])]
      }),
    )
    expect([...listed].filter((unit) => !shown.has(unit))).toStrictEqual([])
  },
)

const CATALOGUE_IDS: Readonly<Record<string, string>> = {
  openai: 'openai',
  anthropic: 'anthropic',
  'gcp.gemini': 'google',
  'gcp.vertex_ai': 'google',
  'aws.bedrock': 'aws',
  'azure.ai.openai': 'azure',
  mistral_ai: 'mistral',
  x_ai: 'x-ai',
  deepseek: 'deepseek',
  groq: 'groq',
}

test('own machines are free', () => {
  expect(price('ollama', 'llama3.2', { usage: PLAIN })).toMatchObject({ costStatus: 'free', costPicoUsd: 0n })
})

test('a price that is no whole number of units is rounded once a line', () => {
  const usage = { input_tokens: 7, 'cache_creation.input_tokens': 7 }
  const { receipt } = price('openrouter', 'google/gemini-2.5-flash-lite', { usage })
  // 7 × 0.08333333333333334 per million = 583,333.33… units
  expect(JSON.parse(receipt).lines[0]).toMatchObject({ unitPrice: '83333.33333333334', amount: '583333' })
})
