import fc from 'fast-check'
import { expect, test } from 'vitest'
import { buildSpan } from '../../test/support/span.ts'
import type { AttributeValue } from '../spans/attributes.ts'
import { type Ledger, ledgerAttributes } from '../spans/ledger.ts'
import type { Span } from '../spans/span.ts'
import { loadCatalogue } from './catalogue.ts'
import { createPricer } from './pricer.ts'
import type { Receipt } from './receipt.ts'

const pricer = createPricer({ catalogue: await loadCatalogue() })

const KEYS = [
  'gen_ai.usage.input_tokens',
  'gen_ai.usage.output_tokens',
  'gen_ai.usage.total_tokens',
  'gen_ai.usage.cache_read.input_tokens',
  'gen_ai.usage.cache_creation.input_tokens',
  'gen_ai.usage.reasoning.output_tokens',
  'gen_ai.usage.details.input_audio_tokens',
  'anthropic.usage.cache_creation.ephemeral_1h_input_tokens',
  'llm.token_count.prompt',
  'ai.usage.inputTokenDetails.noCacheTokens',
  'ai.response.providerMetadata',
  'mlflow.chat.tokenUsage',
  'operation.cost',
  'gen_ai.aggregated_usage.input_tokens',
]
const count = fc.integer({ min: 0, max: 2_000_000 }).map(BigInt)
const odd: fc.Arbitrary<AttributeValue> = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.double(),
  fc.string(),
  fc.json(),
  fc.constant(null),
  fc.boolean(),
  fc.array(count, { maxLength: 2 }),
  fc.dictionary(fc.string(), count, { maxKeys: 2 }).map((members) => new Map(Object.entries(members))),
)
const usage = (value: fc.Arbitrary<AttributeValue>) => fc.dictionary(fc.constantFrom(...KEYS), value, { maxKeys: 8 })

const spanWith = (value: fc.Arbitrary<AttributeValue>): fc.Arbitrary<Span> =>
  fc
    .record({
      usage: usage(value),
      model: fc.oneof(
        fc.constantFrom(
          'gpt-4o',
          'gpt-5.4',
          'claude-sonnet-4-5',
          'gemini-2.5-pro',
          'sonar-pro',
          'deepseek-v4-flash',
          'nope',
        ),
        fc.string(),
      ),
      provider: fc.oneof(
        fc.constantFrom('openai', 'anthropic', 'google', 'perplexity', 'deepseek', 'ollama', '', 'constructor'),
        fc.string(),
      ),
      operation: fc.constantFrom('chat', 'invoke_agent', 'execute_tool', 'embeddings', ''),
      tier: fc.oneof(
        fc.constantFrom('', 'batch', 'flex', 'priority', 'default', 'constructor', '__proto__'),
        fc.string(),
      ),
      scope: fc.constantFrom('x', 'ai', 'pydantic-ai', 'mlflow', 'opentelemetry.instrumentation.bedrock', 'langsmith'),
      id: fc.integer({ min: 1, max: 12 }),
      parent: fc.integer({ min: 0, max: 12 }),
      start: fc.date({ min: new Date('2020-01-01'), max: new Date('2030-01-01'), noInvalidDate: true }),
    })
    .map(({ usage, model, provider, operation, tier, scope, id, parent, start }) =>
      buildSpan({
        scope,
        spanId: `${id}`,
        start: start.toISOString(),
        ...(parent > 0 && { parentSpanId: `${parent}` }),
        attributes: {
          'gen_ai.operation.name': operation,
          'gen_ai.provider.name': provider,
          'gen_ai.request.model': model,
          'openai.response.service_tier': tier,
          ...usage,
        },
      }),
    )

const sum = (lines: Receipt['lines'] = []) => lines.reduce((total, line) => total + BigInt(line.amount), 0n)
const price = (spans: readonly Span[]) => pricer.price(spans, { project: 'p' })

test('a cost is the sum of its receipt’s lines, each of which is quantity times unit price', () => {
  fc.assert(
    fc.property(fc.array(spanWith(count), { maxLength: 6 }), (spans) => {
      for (const ledger of price(spans)) {
        const receipt: Partial<Receipt> = JSON.parse(ledger.receipt || '{}')
        const known = ledger.costStatus === 'priced' || ledger.costStatus === 'free'
        expect(ledger.costPicoUsd !== null).toBe(known)
        if (known) expect(sum(receipt.lines)).toBe(ledger.costPicoUsd)
        if (ledger.costStatus === 'ambiguous') {
          expect(sum(receipt.lines)).toBe(ledger.costLowerPicoUsd)
          expect(sum(receipt.upper?.lines)).toBe(ledger.costUpperPicoUsd)
          expect(ledger.costLowerPicoUsd! < ledger.costUpperPicoUsd!).toBe(true)
        }
        for (const line of [...(receipt.lines ?? []), ...(receipt.upper?.lines ?? [])]) {
          const exact = line.quantity * Number(line.unitPrice)
          expect(Math.abs(Number(line.amount) - exact)).toBeLessThanOrEqual(1 + exact * 1e-12)
        }
      }
    }),
    { numRuns: 300 },
  )
})

test('cost is never negative, NaN or non-integer for any input, nor is a count, nor is either larger than 64 bits', () => {
  const isCount = (value: number | null) => value === null || (Number.isSafeInteger(value) && value >= 0)
  const isMoney = (value: bigint | null) => value === null || (value >= 0n && value < 2n ** 63n)
  const tokens = (ledger: Ledger) => [
    ledger.inputTokens,
    ledger.outputTokens,
    ledger.totalTokens,
    ledger.cacheReadTokens,
    ledger.cacheWriteTokens,
    ledger.reasoningTokens,
  ]
  fc.assert(
    fc.property(fc.array(spanWith(fc.oneof(count, odd)), { maxLength: 6 }), (spans) => {
      for (const ledger of price(spans)) {
        expect(tokens(ledger).every(isCount)).toBe(true)
        expect(
          [ledger.costPicoUsd, ledger.costLowerPicoUsd, ledger.costUpperPicoUsd, ledger.reportedCostPicoUsd].every(
            isMoney,
          ),
        ).toBe(true)
        for (const value of ledgerAttributes(ledger).values()) expect(['string', 'bigint']).toContain(typeof value)
      }
    }),
    { numRuns: 500 },
  )
})

test('the order of spans changes no ledger', () => {
  const spans = fc.uniqueArray(spanWith(count), { selector: ({ spanId }) => spanId, maxLength: 8 })
  fc.assert(
    fc.property(
      spans.chain((all) =>
        fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length })),
      ),
      ([all, shuffled]) => {
        const ledgers = new Map(price(shuffled).map((ledger, index) => [shuffled[index], ledger]))
        expect(all.map((span) => ledgers.get(span))).toStrictEqual(price(all))
      },
    ),
    { numRuns: 200 },
  )
})

test('a sum over a tree is what its largest cut reports: nothing is billed twice, nothing is lost', () => {
  const chain = fc.array(fc.nat({ max: 1000 }), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(chain, (inputs) => {
      const spans = inputs.map((input, index) =>
        buildSpan({
          spanId: `${index + 1}`,
          ...(index > 0 && { parentSpanId: `${index}` }),
          attributes: {
            'gen_ai.operation.name': 'invoke_agent',
            'gen_ai.request.model': 'gpt-4o',
            'gen_ai.usage.input_tokens': input,
          },
        }),
      )
      const billed = price(spans).reduce((total, { inputTokens }) => total + (inputTokens ?? 0), 0)
      expect(billed).toBe(Math.max(...inputs))
    }),
  )
})

test('one name with a line break does not pass for two', () => {
  const named = (asked: string, answered: string) =>
    price([
      buildSpan({
        attributes: {
          'gen_ai.system': 'openai',
          'gen_ai.request.model': asked,
          'gen_ai.response.model': answered,
          'gen_ai.usage.input_tokens': 1,
        },
      }),
    ])[0]?.costStatus
  expect(named('gpt-4o\nalias', 'gpt-4o\nalias')).toBe('unpriced')
  expect(named('alias', 'gpt-4o')).toBe('priced')
})

test('many hostile names leave the memo bounded and the answers right', () => {
  const cost = () =>
    price([
      buildSpan({
        attributes: { 'gen_ai.system': 'openai', 'gen_ai.request.model': 'gpt-4o', 'gen_ai.usage.input_tokens': 1 },
      }),
    ])[0]
  const before = cost()
  for (let n = 0; n < 10_000; n++)
    price([
      buildSpan({
        attributes: {
          'gen_ai.system': `p${n}`,
          'gen_ai.request.model': `${'x'.repeat(300)}${n}`,
          'gen_ai.usage.input_tokens': 1,
        },
      }),
    ])
  expect(cost()).toStrictEqual(before)
})
