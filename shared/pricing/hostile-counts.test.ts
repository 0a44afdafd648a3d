import fc from 'fast-check'
import { expect, test } from 'vitest'
import { buildSpan } from '../../test/support/span.ts'
import { DIALECTS } from '../genai/dialects/index.ts'
import { COUNT_FIELDS, FIELDS } from '../genai/fields.ts'
import type { AttributeValue } from '../spans/attributes.ts'
import { loadCatalogue } from './catalogue.ts'
import { createPricer } from './pricer.ts'

const pricer = createPricer({ catalogue: await loadCatalogue() })

/** Where some dialect looks for a count: in an attribute, or within an object that one has as JSON. */
interface Place {
  readonly scope: string
  readonly where: string
  readonly put: (count: AttributeValue) => Readonly<Record<string, AttributeValue>>
}

const scopeOf = ({ scopes = ['test'] }: (typeof DIALECTS)[number]) => scopes[0]!.replace('*', 'x')

const ATTRIBUTES: readonly Place[] = DIALECTS.flatMap((dialect) =>
  FIELDS.slice(0, COUNT_FIELDS)
    .flatMap((field) => dialect.keys[field] ?? [])
    .map((key) => ({ scope: scopeOf(dialect), where: key, put: (count) => ({ [key]: count }) })),
)

const within = (scope: string, attribute: string, paths: readonly string[], more: object = {}): Place[] =>
  paths.map((path) => ({
    scope,
    where: `${attribute} ${path}`,
    put: (count) => {
      const nested = path
        .split('.')
        .reduceRight<unknown>((value, name) => (name === '0' ? [value] : { [name]: value }), count)
      return { [attribute]: JSON.stringify({ ...(nested as object), ...more }) }
    },
  }))

const RAW = [
  ...['cache_read_input_tokens', 'cache_creation_input_tokens', 'prompt_tokens_details.cached_tokens'],
  ...['prompt_tokens_details.cache_write_tokens', 'prompt_cache_hit_tokens', 'cached_tokens'],
]
const IN_JSON: readonly Place[] = [
  ...within('gcp.vertex.agent', 'gcp.vertex.agent.llm_response', [
    'usage_metadata.prompt_token_count',
    'usage_metadata.thoughts_token_count',
    'usage_metadata.tool_use_prompt_token_count',
    'usageMetadata.candidatesTokenCount',
    'usageMetadata.cachedContentTokenCount',
    'usageMetadata.toolUsePromptTokenCount',
    'usageMetadata.totalTokenCount',
  ]),
  ...within('langsmith', 'gen_ai.usage.input_token_details', [
    ...['cache_read', 'cache_creation', 'audio', 'image', 'cache_read_over_200k', 'ephemeral_1h_input_tokens'],
  ]),
  ...within('langsmith', 'gen_ai.usage.input_token_details', ['flex_cache_read'], { flex: 1 }),
  ...within('langsmith', 'gen_ai.usage.output_token_details', ['reasoning', 'audio', 'image']),
  ...within('mlflow', 'mlflow.chat.tokenUsage', ['input_tokens', 'output_tokens', 'cache_read_input_tokens']),
  ...within('langfuse-sdk', 'langfuse.observation.usage_details', [
    ...['input', 'output', 'total', 'input_cached_tokens', 'input_audio_tokens', 'output_reasoning_tokens'],
    ...['input_cache_creation_1h', 'input_ephemeral_5m_input_tokens'],
    ...['prompt_tokens', 'completion_tokens', 'input_tokens', ...RAW],
  ]),
  ...within('langfuse-sdk', 'langfuse.observation.usage_details', ['input', 'input_audio_tokens'], { output: 5 }),
  ...within('langfuse-sdk', 'langfuse.observation.usage_details', ['input_audio_tokens'], { input: 5 }),
  ...within('langfuse-sdk', 'langfuse.observation.usage_details', ['output_reasoning_tokens'], { output: 5 }),
  ...within('ai', 'ai.response.providerMetadata', [
    'openai.cachedPromptTokens',
    'openai.reasoningTokens',
    'google.usageMetadata.thoughtsTokenCount',
    'vertex.usageMetadata.toolUsePromptTokenCount',
    'bedrock.usage.cacheReadInputTokens',
    'anthropic.cacheReadInputTokens',
    'anthropic.usage.cache_creation.ephemeral_1h_input_tokens',
    ...RAW.map((path) => `anthropic.usage.${path}`),
  ]),
  ...within(
    'logfire.openai',
    'response_data',
    RAW.map((path) => `usage.${path}`),
  ),
  ...within('@arizeai/openinference-instrumentation-bedrock', 'output.value', [
    'usage.cacheReadInputTokens',
    'usage.cacheWriteInputTokens',
  ]),
]

const CALL = { 'gen_ai.provider.name': 'openai', 'gen_ai.request.model': 'gpt-4o' }
const OUTPUT = { 'gen_ai.usage.output_tokens': 5 }

function price({ scope, where, put }: Place, count: AttributeValue) {
  // Without a count beside it, because of two under keys for one field the better known one holds.
  const said = put(count)
  const beside = /output|completion|candidates/i.test(where) ? {} : OUTPUT
  const span = buildSpan({ scope, attributes: { ...CALL, ...beside } })
  return pricer.price([{ ...span, attributes: new Map([...span.attributes, ...Object.entries(said)]) }], {
    project: 'p',
  })
}

/** What JSON can hold; attributes can hold more. */
const IN_ANY = [-1, 0.5, 1e300, 2 ** 63, 1_000_000_001, '12', 'x', true, [1]] satisfies AttributeValue[]
const IN_ATTRIBUTES = [
  ...IN_ANY,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  -1n,
  2n ** 63n - 1n,
  new Uint8Array(8),
  new Map([['a', 1n]]),
]

test.each([
  ['attributes', ATTRIBUTES, IN_ATTRIBUTES],
  ['JSON', IN_JSON, IN_ANY],
] as const)(
  'a count in %s that cannot be refuses the usage with a reason and keeps the span',
  (_kind, places, values) => {
    for (const place of places)
      for (const value of values) {
        const ledgers = price(place, value)
        const said = `${place.scope}: ${place.where} = ${String(value)}`
        expect(ledgers, said).toHaveLength(1)
        expect(ledgers[0], said).toMatchObject({
          costStatus: 'no_usage',
          costPicoUsd: null,
          inputTokens: null,
          outputTokens: null,
        })
        expect(JSON.parse(ledgers[0]!.receipt).reason, said).toMatch(/^\w+: not a whole number from 0 to 1e9$/)
      }
  },
)

test('a count that can be is counted, in every place', () => {
  for (const place of [...ATTRIBUTES, ...IN_JSON]) {
    const [ledger] = price(place, place.where.includes(' ') ? 7 : 7n)
    expect(['priced', 'ambiguous', 'unpriced'], place.where).toContain(ledger!.costStatus)
  }
})

test('several counts, whatever they are, never make a cost negative, fractional or not a number', () => {
  const anything: fc.Arbitrary<AttributeValue> = fc.oneof(
    fc.constantFrom(...IN_ATTRIBUTES),
    fc.integer({ min: 0, max: 2_000_000 }).map(BigInt),
    fc.constant(1_000_000_000n),
    fc.double(),
  )
  const said = fc.array(fc.tuple(fc.constantFrom(...ATTRIBUTES, ...IN_JSON), anything), { minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(said, (counts) => {
      const attributes = Object.assign(
        { ...CALL },
        ...counts.map(([{ put }, count]) => put(typeof count === 'bigint' ? Number(count) : count)),
      )
      const span = buildSpan({ scope: counts[0]![0].scope, attributes })
      const [ledger] = pricer.price([span], { project: 'p' })
      for (const cost of [ledger!.costPicoUsd, ledger!.costLowerPicoUsd, ledger!.costUpperPicoUsd])
        expect(cost === null || (typeof cost === 'bigint' && cost >= 0n && cost < 2n ** 63n)).toBe(true)
      expect(ledger!.costStatus === 'no_usage' ? ledger!.costPicoUsd : null).toBeNull()
    }),
    { numRuns: 400 },
  )
})
