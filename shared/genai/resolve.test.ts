import fc from 'fast-check'
import { expect, test } from 'vitest'
import { COUNT_FIELDS, FIELD, FIELDS, type Reading } from './fields.ts'
import { type ResolveOptions, resolveUsage } from './resolve.ts'
import { counts } from './test-call.ts'
import { inputTokens, LEAF, outputTokens } from './usage.ts'

type Counts = Partial<Record<keyof typeof FIELD, number>>

const OPTIONS: ResolveOptions = { inclusion: 'unknown', reasonsBeside: false, requests: 0 }

function resolve(said: Counts, options: Partial<ResolveOptions> = {}) {
  const reading: Reading = new Array(FIELDS.length).fill(undefined)
  for (const [field, count] of Object.entries(said)) reading[FIELD[field as keyof typeof FIELD]] = count
  return resolveUsage(reading, { ...OPTIONS, ...options })
}

/** Rule and readings: one, or two between which the truth is. */
function readings(said: Counts, options: Partial<ResolveOptions> = {}) {
  const resolution = resolve(said, options)
  if (resolution.kind === 'known') return [resolution.rule, counts(resolution.usage)]
  if (resolution.kind === 'ambiguous') return [resolution.rule, counts(resolution.usage), counts(resolution.other)]
  return [resolution.kind]
}

test('input that is neither said to be fresh nor to be cached was billed at nothing, or as reasoning', () => {
  const bounds = [
    'cache_unknown',
    { input_tokens: 10, cache_read_tokens: 90 },
    { input_tokens: 10, cache_read_tokens: 60, cache_write_5m_tokens: 30 },
  ]
  expect(readings({ input: 100, uncachedInput: 10, cacheRead: 60 })).toStrictEqual(bounds)
  expect(readings({ input: 100, total: 100, uncachedInput: 10, cacheRead: 60 }, { reasonsBeside: true })).toStrictEqual(
    bounds,
  )
  expect(readings({ input: 100, uncachedInput: 10, cacheRead: 90 })).toStrictEqual([
    'uncached_reported',
    { input_tokens: 10, cache_read_tokens: 90 },
  ])
})

test('tokens that only the total has were left out where nobody knows whether the input includes the cached ones', () => {
  expect(readings({ input: 100, cacheRead: 40, output: 5, total: 125 })).toStrictEqual([
    'cache_unknown',
    { input_tokens: 60, cache_read_tokens: 60, output_tokens: 5 },
    { input_tokens: 100, cache_read_tokens: 40, output_tokens: 25 },
  ])
})

test('audio that can only have come from the cache was billed as cached text', () => {
  const known = (said: Counts) => readings(said, { inclusion: 'inclusive' })[1]
  expect(known({ input: 100, cacheRead: 90, inputAudio: 100 })).toStrictEqual({
    input_audio_tokens: 10,
    cache_read_audio_tokens: 90,
  })
  expect(known({ input: 100, cacheRead: 90, inputAudio: 30, inputImage: 50 })).toStrictEqual({
    input_audio_tokens: 10,
    cache_read_tokens: 20,
    cache_read_audio_tokens: 20,
    cache_read_image_tokens: 50,
  })
  // As far as it must, or as far as is said.
  expect(known({ input: 100, cacheRead: 40, inputAudio: 50 })).toStrictEqual({
    input_tokens: 10,
    cache_read_tokens: 40,
    input_audio_tokens: 50,
  })
  expect(known({ input: 100, cacheRead: 40, inputAudio: 50, cacheReadAudio: 30 })).toStrictEqual({
    input_tokens: 40,
    cache_read_tokens: 10,
    input_audio_tokens: 20,
    cache_read_audio_tokens: 30,
  })
})

test('what is left of the total is the side that is not named', () => {
  expect(readings({ output: 5, total: 105 })).toStrictEqual(['no_cache', { input_tokens: 100, output_tokens: 5 }])
  expect(readings({ input: 100, total: 105 })).toStrictEqual(['no_cache', { input_tokens: 100, output_tokens: 5 }])
  expect(readings({ total: 1 })).toStrictEqual(['total_only', { input_tokens: 1 }, { output_tokens: 1 }])
  expect(readings({ total: 0 })).toStrictEqual(['no_cache', {}])
})

test('a single token that only the total has leaves two readings, unless it can but be reasoning', () => {
  const parts = { input: 100, output: 5 }
  expect(readings({ ...parts, total: 106 })).toStrictEqual([
    'total_exceeds_parts',
    { input_tokens: 100, cache_read_tokens: 1, output_tokens: 5 },
    { input_tokens: 100, output_tokens: 6 },
  ])
  const beside = { reasonsBeside: true }
  expect(readings({ ...parts, total: 106 }, beside)).toStrictEqual([
    'total_includes_reasoning',
    { input_tokens: 100, output_tokens: 5, reasoning_tokens: 1 },
  ])
  expect(readings({ ...parts, reasoning: 1, total: 107 }, beside)[0]).toBe('total_exceeds_parts')
  expect(readings({ ...parts, reasoning: 1, total: 106 }, beside)).toStrictEqual([
    'no_cache',
    { input_tokens: 100, output_tokens: 5, reasoning_tokens: 1 },
  ])
})

test('reasoning is a part of the output, unless it is more than that or the total has both', () => {
  const known = (said: Counts) => readings(said, { inclusion: 'inclusive' })[1]
  expect(known({ output: 60, reasoning: 60 })).toStrictEqual({ reasoning_tokens: 60 })
  expect(known({ output: 60, reasoning: 61 })).toStrictEqual({ output_tokens: 60, reasoning_tokens: 61 })
  const cached = { input: 100, cacheRead: 30, cacheWrite: 20, output: 60, reasoning: 40 }
  const input = { input_tokens: 50, cache_read_tokens: 30, cache_write_5m_tokens: 20, reasoning_tokens: 40 }
  expect(known({ ...cached, total: 160 })).toStrictEqual({ ...input, output_tokens: 20 })
  expect(known({ ...cached, total: 200 })).toStrictEqual({ ...input, output_tokens: 60 })
})

test('no token that a span names is lost, or only where two readings are left', () => {
  const count = fc.constantFrom(undefined, 0, 1, 3, 10, 40, 100)
  const anyCounts = fc.record(Object.fromEntries(FIELDS.slice(0, COUNT_FIELDS).map((field) => [field, count])))
  const options = fc.record({
    inclusion: fc.constantFrom('inclusive', 'exclusive', 'unknown'),
    reasonsBeside: fc.boolean(),
    requests: fc.constant(1),
  })
  fc.assert(
    fc.property(anyCounts, options, (said: Counts, options: ResolveOptions) => {
      const resolution = resolve(said, options)
      if (resolution.kind === 'none') return
      if (resolution.kind === 'refused') throw new Error(resolution.reason)
      const { usage } = resolution
      expect(usage.every((quantity) => Number.isInteger(quantity) && quantity >= 0)).toBe(true)
      const { input = 0, output = 0, total = 0, cacheRead = 0, cacheWrite = 0, cacheWrite1h = 0, reasoning = 0 } = said
      const all = inputTokens(usage) + outputTokens(usage)
      expect(all).toBeGreaterThanOrEqual(total)
      if (resolution.rule === 'total_only') return
      expect(inputTokens(usage)).toBeGreaterThanOrEqual(Math.max(input, cacheRead + cacheWrite))
      expect(outputTokens(usage)).toBeGreaterThanOrEqual(Math.max(output, reasoning))
      expect(usage[LEAF.cache_write_1h_tokens]).toBeGreaterThanOrEqual(cacheWrite1h)
    }),
    { numRuns: 2000 },
  )
})
