import { expect, test } from 'vitest'
import { buildChat } from '../../test/support/span.ts'
import { loadCatalogue, loadProviders } from './catalogue.ts'
import { LISTED_UNITS } from './plan.ts'
import { createPricer } from './pricer.ts'

const pricer = createPricer({ catalogue: await loadCatalogue() })
const providers = await loadProviders()

/** Models that are sold by what no span says, such as hours of audio and pages of a document, or for which nothing is listed. */
const MODELS = providers.flatMap(({ id: provider, models }) =>
  models
    .filter(({ prices }) => {
      const lists = Array.isArray(prices) ? prices.map((period) => period.prices) : [prices]
      return lists.every((list) => Object.keys(list).every((unit) => !LISTED_UNITS.includes(unit)))
    })
    .filter(({ id }) => !id.endsWith(':free'))
    .map(({ id }) => [provider, id] as const),
)

test('there are such models', () => {
  expect(MODELS.map(([, model]) => model)).toEqual(expect.arrayContaining(['whisper-1', 'whisper-large-v3', 'gemma-3']))
})

test.each(MODELS)('a call of %s %s is never free: what it is sold by is not in the span', (provider, model) => {
  for (const usage of [{}, { input_tokens: 0, output_tokens: 0 }, { input_tokens: 700 }, { output_tokens: 3 }]) {
    const span = buildChat(model, usage, { attributes: { 'gen_ai.provider.name': provider } })
    const [ledger] = pricer.price([span], { project: 'p' })
    expect(ledger?.costPicoUsd).toBeNull()
    expect(ledger?.costStatus).toBe(Object.keys(usage).length === 0 ? 'no_usage' : 'unpriced')
  }
})

test('a usage that names a class without any price is unpriced, the rest of it notwithstanding', () => {
  const attributes = { 'gen_ai.provider.name': 'openai' }
  const [ledger] = pricer.price(
    [buildChat('text-embedding-3-small', { input_tokens: 5, output_tokens: 1 }, { attributes })],
    { project: 'p' },
  )
  expect(ledger).toMatchObject({ costStatus: 'unpriced', costPicoUsd: null })
  expect(ledger?.receipt).toContain('no price for output_tokens')
})

test.each([
  ['openai', 'gpt-oss-120b'],
  ['', 'gpt-oss-20b'],
  ['azure.ai.inference', 'gpt-oss-120b'],
  ['gcp.gemini', 'gemma-2-27b-it'],
  ['mistral_ai', 'mistral-small-3.2-24b-instruct'],
])('%s %s was billed at what others take for its open weights', (provider, model) => {
  const span = buildChat(model, { input_tokens: 700 }, { attributes: { 'gen_ai.provider.name': provider } })
  expect(pricer.price([span], { project: 'p' })[0]).toMatchObject({
    costStatus: 'unpriced',
    receipt: expect.stringContaining(`no price is listed for `),
  })
})

test('what gpt-4o-audio-preview hears and says was billed as text, at a sixteenth of its price', () => {
  const attributes = { 'gen_ai.provider.name': 'openai' }
  for (const model of ['gpt-4o-audio-preview', 'gpt-4o-mini-audio-preview-2024-12-17'])
    for (const usage of [
      { input_tokens: 50, 'audio.input_tokens': 40, output_tokens: 5 },
      { input_tokens: 50, output_tokens: 20, 'audio.output_tokens': 15 },
    ])
      expect(pricer.price([buildChat(model, usage, { attributes })], { project: 'p' })[0]).toMatchObject({
        costStatus: 'unpriced',
        receipt: expect.stringMatching(/no price for (input|output)_audio_tokens/),
      })
  const text = buildChat('gpt-4o-audio-preview', { input_tokens: 50, output_tokens: 5 }, { attributes })
  expect(pricer.price([text], { project: 'p' })[0]?.costPicoUsd).toBe(50n * 2_500_000n + 5n * 10_000_000n)
})
