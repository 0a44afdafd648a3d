import { expect, test } from 'vitest'
import { buildChat, buildSpan } from '../../test/support/span.ts'
import { EMPTY_LEDGER } from '../spans/ledger.ts'
import { loadCatalogue } from './catalogue.ts'
import { createCustomCatalogue } from './custom-catalogue.ts'
import { createPricer } from './pricer.ts'

const base = await loadCatalogue()
const shared = [{ provider: '*', model: 'even', prices: { input_mtok: 1, output_mtok: 1 } }]
const pricer = createPricer({ catalogue: createCustomCatalogue({ base, shared }) })
const price = (span: ReturnType<typeof buildSpan>) => pricer.price([span], { project: 'p' })[0]!

test.each([
  ['user.id', 'userId'],
  ['session.id', 'sessionId'],
  ['deployment.environment.name', 'environment'],
])('a span that is no call of a model says who used it, if only %s', (key, column) => {
  expect(price(buildSpan({ attributes: { [key]: 'x' } }))).toStrictEqual({ ...EMPTY_LEDGER, [column]: 'x' })
  expect(price(buildSpan({}))).toBe(EMPTY_LEDGER)
})

test('the model is the one that answered, or if nobody says which the one that was asked for', () => {
  const models = (request: string, response: string) => {
    const { model, requestModel } = price(
      buildChat(request, { input_tokens: 1 }, { attributes: { 'gen_ai.response.model': response } }),
    )
    return [model, requestModel]
  }
  expect(models('gpt-4o', 'gpt-4o-2024-11-20')).toStrictEqual(['gpt-4o-2024-11-20', 'gpt-4o'])
  expect(models('gpt-4o', '')).toStrictEqual(['gpt-4o', 'gpt-4o'])
})

test('cached tokens of all kinds are counted together, and so are writes of both lifetimes', () => {
  const attributes = {
    'gen_ai.usage.audio.cache_read.input_tokens': 20,
    'gen_ai.usage.image.cache_read.input_tokens': 30,
    'gen_ai.usage.audio.input_tokens': 20,
    'gen_ai.usage.image.input_tokens': 30,
    'anthropic.usage.cache_creation.ephemeral_5m_input_tokens': 4,
    'anthropic.usage.cache_creation.ephemeral_1h_input_tokens': 6,
  }
  const usage = { input_tokens: 200, 'cache_read.input_tokens': 100, output_tokens: 7 }
  expect(price(buildChat('even', usage, { attributes }))).toMatchObject({
    inputTokens: 200,
    outputTokens: 7,
    totalTokens: 207,
    cacheReadTokens: 100,
    cacheWriteTokens: 10,
  })
})

test('two readings that cost the same are no two costs', () => {
  expect(price(buildChat('even', { total_tokens: 100 }))).toMatchObject({
    costStatus: 'priced',
    costPicoUsd: 100_000_000n,
    costLowerPicoUsd: null,
    costUpperPicoUsd: null,
  })
})

test('a call without counts has no receipt; one whose counts are refused says why', () => {
  expect(price(buildChat('even', {}))).toMatchObject({ costStatus: 'no_usage', receipt: '', revision: 0 })
  expect(JSON.parse(price(buildChat('even', { input_tokens: -1 })).receipt).reason).toContain('input')
})
