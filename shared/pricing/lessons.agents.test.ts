import { expect, test } from 'vitest'
import { buildChat, buildSpan, type SpanSketch } from '../../test/support/span.ts'
import type { Ledger } from '../spans/ledger.ts'
import { loadCatalogue } from './catalogue.ts'
import { createPricer } from './pricer.ts'

/** Spans that repeat what others have said. */
const pricer = createPricer({ catalogue: await loadCatalogue() })
const priceAll = (...spans: ReturnType<typeof buildSpan>[]) => pricer.price(spans, { project: 'p' })
const OPENAI = { 'gen_ai.provider.name': 'openai' }

const agent = (usage: Record<string, number>, sketch: SpanSketch = {}) =>
  buildChat('gpt-4o', usage, {
    spanId: 'a',
    ...sketch,
    attributes: { ...OPENAI, 'gen_ai.operation.name': 'invoke_agent', ...sketch.attributes },
  })
const call = (spanId: string, usage: Record<string, number>, parentSpanId = 'a') =>
  buildChat('gpt-4o', usage, { spanId, parentSpanId, attributes: OPENAI })

const total = (ledgers: readonly Ledger[]) => ledgers.reduce((sum, ledger) => sum + (ledger.costPicoUsd ?? 0n), 0n)
const tokens = (ledgers: readonly Ledger[]) => ledgers.map((ledger) => ledger.inputTokens)
const ONCE = 113n * 2_500_000n + 11n * 10_000_000n

test('pydantic/pydantic-ai#3995: a run that repeats the sum of its requests bills nothing', () => {
  const sketch = { scope: 'pydantic-ai', attributes: { agent_name: 'clerk', model_name: 'gpt-4o' } }
  const ledgers = priceAll(
    agent({ input_tokens: 113, output_tokens: 11 }, sketch),
    call('b', { input_tokens: 56, output_tokens: 5 }),
    call('c', { input_tokens: 57, output_tokens: 6 }),
  )
  expect(ledgers.map((ledger) => ledger.costStatus)).toStrictEqual(['rollup', 'priced', 'priced'])
  expect(tokens(ledgers)).toStrictEqual([0, 56, 57])
  expect(total(ledgers)).toBe(ONCE)
})

const openinference = (spanId: string, parentSpanId: string, kind: string) =>
  buildSpan({
    scope: '@arizeai/openinference-instrumentation',
    spanId,
    ...(parentSpanId && { parentSpanId }),
    attributes: {
      'openinference.span.kind': kind,
      'llm.provider': 'openai',
      'llm.model_name': 'gpt-4o',
      'llm.token_count.prompt': 113,
      'llm.token_count.completion': 11,
      'llm.token_count.total': 124,
    },
  })

test('Arize-ai/phoenix#12768: counts that go up through a tool and a run are billed once, not three times', () => {
  const ledgers = priceAll(
    openinference('a', '', 'AGENT'),
    openinference('b', 'a', 'TOOL'),
    openinference('c', 'b', 'LLM'),
  )
  expect(tokens(ledgers)).toStrictEqual([0, 0, 113])
  expect(total(ledgers)).toBe(ONCE)
})

test('Arize-ai/phoenix#15793: a model call within a model call that reports the same is billed once', () => {
  const ledgers = priceAll(
    openinference('a', '', 'LLM'),
    openinference('b', 'a', 'LLM'),
    openinference('c', 'b', 'LLM'),
  )
  expect(tokens(ledgers)).toStrictEqual([0, 0, 113])
  expect(total(ledgers)).toBe(ONCE)
})

test('mlflow/mlflow#25007: tokens and cost are of the same spans, though a wrapper that repeats has no model', () => {
  const mlflow = (spanId: string, parentSpanId: string, type: string, input: number, output: number, model = '') =>
    buildSpan({
      scope: 'mlflow',
      spanId,
      ...(parentSpanId && { parentSpanId }),
      attributes: {
        'mlflow.spanType': JSON.stringify(type),
        ...(model && { 'mlflow.llm.model': JSON.stringify(model), 'mlflow.llm.provider': '"openai"' }),
        'mlflow.chat.tokenUsage': JSON.stringify({
          input_tokens: input,
          output_tokens: output,
          total_tokens: input + output,
        }),
      },
    })
  const ledgers = priceAll(
    mlflow('a', '', 'AGENT', 113, 11),
    mlflow('b', 'a', 'CHAIN', 57, 6),
    mlflow('c', 'a', 'CHAT_MODEL', 56, 5, 'gpt-4o'),
    mlflow('d', 'b', 'CHAT_MODEL', 57, 6, 'gpt-4o'),
  )
  expect(tokens(ledgers)).toStrictEqual([0, 0, 56, 57])
  expect(total(ledgers)).toBe(ONCE)
})

test('open-telemetry/semantic-conventions-genai#19: an agent within an agent, each with the sum of what is below', () => {
  const ledgers = priceAll(
    agent({ input_tokens: 113, output_tokens: 11 }),
    agent({ input_tokens: 57, output_tokens: 6 }, { spanId: 'b', parentSpanId: 'a' }),
    call('c', { input_tokens: 56, output_tokens: 5 }),
    call('d', { input_tokens: 57, output_tokens: 6 }, 'b'),
  )
  expect(tokens(ledgers)).toStrictEqual([0, 0, 56, 57])
  expect(total(ledgers)).toBe(ONCE)
})

test('Vercel AI SDK: the outer ai.generateText bills nothing beside what it wraps', () => {
  const vercel = (spanId: string, operation: string, parentSpanId?: string) =>
    buildSpan({
      scope: 'ai',
      spanId,
      ...(parentSpanId && { parentSpanId }),
      attributes: {
        'ai.operationId': operation,
        'ai.model.provider': 'openai.chat',
        'ai.model.id': 'gpt-4o',
        'ai.usage.inputTokens': 113,
        'ai.usage.outputTokens': 11,
      },
    })
  const ledgers = priceAll(vercel('a', 'ai.generateText'), vercel('b', 'ai.generateText.doGenerate', 'a'))
  expect(tokens(ledgers)).toStrictEqual([0, 113])
  expect(total(ledgers)).toBe(ONCE)
})

test('an agent bills what its calls do not explain', () => {
  const ledgers = priceAll(
    agent({ input_tokens: 113, output_tokens: 11 }),
    call('b', { input_tokens: 56, output_tokens: 5 }),
  )
  expect(ledgers.map((ledger) => [ledger.inputTokens, ledger.outputTokens])).toStrictEqual([
    [57, 6],
    [56, 5],
  ])
})

test('pydantic/pydantic-ai#8456: a declared sum bills nothing beside any call, even when it carries earlier turns', () => {
  const declared = { 'gen_ai.aggregated_usage.input_tokens': 103, 'gen_ai.aggregated_usage.output_tokens': 20 }
  const sketch = { scope: 'pydantic-ai', attributes: declared }
  expect(priceAll(agent({}, sketch), call('b', { input_tokens: 52, output_tokens: 9 }))[0]!.costStatus).toBe('rollup')
  expect(priceAll(agent({}, sketch))[0]!.inputTokens).toBe(103)
})

test('what a tool calls is not part of the call that asked for the tool', () => {
  const tool = buildSpan({ spanId: 'c', parentSpanId: 'b', attributes: { 'gen_ai.operation.name': 'execute_tool' } })
  const ledgers = priceAll(call('b', { input_tokens: 100 }, ''), tool, call('d', { input_tokens: 80 }, 'c'))
  expect(ledgers.map((ledger) => ledger.inputTokens)).toStrictEqual([100, null, 80])
})

test('what was embedded meanwhile was taken off what the model was asked', () => {
  const embedding = { ...OPENAI, 'gen_ai.operation.name': 'embeddings' }
  const ledgers = priceAll(
    call('b', { input_tokens: 1000, output_tokens: 10 }, ''),
    buildChat(
      'text-embedding-3-small',
      { input_tokens: 300 },
      { spanId: 'c', parentSpanId: 'b', attributes: embedding },
    ),
  )
  expect(tokens(ledgers)).toStrictEqual([1000, 300])
  expect(total(ledgers)).toBe(1000n * 2_500_000n + 10n * 10_000_000n + 300n * 20_000n)
  // An embedder that reports the same once more still explains it.
  const twice = ['a', 'b'].map((spanId, above) =>
    buildChat(
      'text-embedding-3-small',
      { input_tokens: 300 },
      {
        ...{ spanId, attributes: embedding },
        ...(above === 1 && { parentSpanId: 'a' }),
      },
    ),
  )
  expect(tokens(priceAll(...twice))).toStrictEqual([0, 300])
})

test('what a call with a long context left unexplained was billed at the price of short ones', () => {
  const long = (spanId: string, input: number, output: number, sketch: SpanSketch = {}) =>
    buildChat('gpt-5.4', { input_tokens: input, output_tokens: output }, { spanId, attributes: OPENAI, ...sketch })
  const ledgers = priceAll(long('a', 300_000, 1000), long('b', 290_000, 0, { parentSpanId: 'a' }))
  expect(tokens(ledgers)).toStrictEqual([10_000, 290_000])
  expect(total(ledgers)).toBe(300_000n * 5_000_000n + 1000n * 22_500_000n)
})

test('an agent of which only a total is known may have made short calls or a long one', () => {
  const attributes = { ...OPENAI, 'gen_ai.operation.name': 'invoke_agent' }
  const [ledger] = priceAll(buildChat('gpt-5.4', { total_tokens: 300_000 }, { attributes }))
  expect(ledger).toMatchObject({
    costStatus: 'ambiguous',
    costLowerPicoUsd: 300_000n * 2_500_000n,
    costUpperPicoUsd: 300_000n * 15_000_000n,
  })
})

test('what a gateway left of a call with two readings lies between what it left of each', () => {
  const unknown = {
    'gen_ai.system': 'anthropic',
    'gen_ai.usage.cache_read_input_tokens': 1000,
  }
  const outer = buildChat(
    'claude-sonnet-4-5',
    { input_tokens: 5000, output_tokens: 40 },
    { spanId: 'a', scope: 'opentelemetry.instrumentation.llamaindex', attributes: unknown },
  )
  const inner = buildChat(
    'claude-sonnet-4-5',
    { input_tokens: 2000, output_tokens: 10 },
    { spanId: 'b', parentSpanId: 'a', attributes: { 'gen_ai.provider.name': 'anthropic' } },
  )
  // 2,000 or 3,000 fresh tokens of 3 USD a million, 1,000 cached ones of 0.3 and 30 of 15.
  expect(priceAll(outer, inner)[0]).toMatchObject({
    costStatus: 'ambiguous',
    costLowerPicoUsd: 6_750_000_000n,
    costUpperPicoUsd: 9_750_000_000n,
    inputTokens: null,
    outputTokens: 30,
  })
})

test('an agent whose sum has those of the agents that it handed over to is not counted once more, whatever they answer', () => {
  const handing = (response: string) => ({ attributes: { 'gen_ai.response.id': response } })
  const sums = (outer: number) =>
    tokens(
      priceAll(
        agent({ input_tokens: outer, output_tokens: 10 }, handing('r-1')),
        call('b', { input_tokens: 100, output_tokens: 5 }, 'a'),
        buildSpan({ spanId: 'c', parentSpanId: 'a', attributes: { 'gen_ai.operation.name': 'execute_tool' } }),
        agent({ input_tokens: 60, output_tokens: 5 }, { ...handing('r-2'), spanId: 'd', parentSpanId: 'c' }),
        call('e', { input_tokens: 60, output_tokens: 5 }, 'd'),
      ),
    )
  expect(sums(160)).toStrictEqual([0, 100, null, 0, 60])
  expect(sums(100)).toStrictEqual([0, 100, null, 0, 60])
})

test('a turn of Codex is explained by a gateway’s report of its call, not by the turn of an agent that a tool started', () => {
  const turn = (spanId: string, parentSpanId: string, tokens: number) =>
    buildSpan({
      spanId,
      ...(parentSpanId && { parentSpanId }),
      attributes: {
        model: 'gpt-4o',
        'codex.turn.token_usage.input_tokens': tokens,
        'codex.turn.token_usage.output_tokens': 1,
        'codex.turn.token_usage.total_tokens': tokens + 1,
      },
    })
  const response = { ...OPENAI, 'gen_ai.response.id': 'r-1' }
  const gateway = buildChat(
    'gpt-4o',
    { input_tokens: 100, output_tokens: 1 },
    { spanId: 'b', parentSpanId: 'a', attributes: response },
  )
  const tool = buildSpan({ spanId: 'c', parentSpanId: 'a', attributes: { 'codex.tool.phase': 'dispatch' } })
  expect(tokens(priceAll(turn('a', '', 100), gateway, tool, turn('d', 'c', 60)))).toStrictEqual([0, 100, null, 60])
  expect(tokens(priceAll(turn('a', '', 100), tool, turn('d', 'c', 60)))).toStrictEqual([100, null, 60])
})

test('an id that a framework makes up is no response of its own: its call and that of the SDK below were billed both', () => {
  const chat = (spanId: string, id: string, parentSpanId = '') =>
    buildChat(
      'gemini-2.5-flash',
      { input_tokens: 1000, output_tokens: 40 },
      {
        spanId,
        ...(parentSpanId && { parentSpanId }),
        attributes: { 'gen_ai.provider.name': 'gcp.gemini', 'gen_ai.response.id': id },
      },
    )
  for (const id of ['aitxt-2ECEbUP', 'aiobj-2ECEbUP', 'run-01a1fe7a-0000', 'run--01a1fe7a-0', 'lc_run--01a1fe7a-0']) {
    const ledgers = priceAll(chat('a', id), chat('b', 'gemini-1', 'a'))
    expect(ledgers.map(({ costStatus }) => costStatus)).toStrictEqual(['rollup', 'priced'])
  }
  const apart = priceAll(chat('a', 'run_1'), chat('b', 'gemini-1', 'a'))
  expect(apart.map(({ costStatus }) => costStatus)).toStrictEqual(['priced', 'priced'])
})
