import { describe, expect, it } from 'vitest'
import { MODELS } from './models.ts'
import { planTraces } from './plan.ts'
import { countSpans, type PlannedSpan } from './spans.ts'

const HOUR_MS = 3_600_000
const now = Date.parse('2026-05-20T15:00:00Z')
const options = { traces: 200, seed: 1, now, hours: 24 }
const traces = planTraces(options)
const spans = traces.flatMap(({ root }) => all(root))

function all(span: PlannedSpan): PlannedSpan[] {
  return [span, ...span.children.flatMap(all)]
}

function leaves(span: PlannedSpan): PlannedSpan[] {
  return all(span).filter((inner) => inner.children.length === 0)
}

describe('the traffic of the demo', () => {
  it('is the same for the same seed and another for another', () => {
    expect(planTraces(options)).toEqual(traces)
    expect(planTraces({ ...options, seed: 2 })).not.toEqual(traces)
  })

  it('uses the same at any time of day', () => {
    const usage = (span: PlannedSpan) => [
      span.name,
      Object.entries(span.attributes).filter(([key]) => key.startsWith('gen_ai.usage.')),
    ]
    const later = planTraces({ ...options, now: now + 7 * HOUR_MS }).flatMap(({ root }) => all(root))
    expect(later.map(usage)).toEqual(spans.map(usage))
  })

  it('lies within the hours asked for, children within their parents', () => {
    for (const span of spans) {
      expect(span.start).toBeGreaterThanOrEqual(now - 24 * HOUR_MS - 10)
      expect(span.end).toBeLessThanOrEqual(now)
      expect(span.end).toBeGreaterThan(span.start)
      for (const child of span.children) {
        expect(child.start).toBeGreaterThanOrEqual(span.start)
        expect(child.end).toBeLessThanOrEqual(span.end)
      }
    }
  })

  it('has more requests by day than by night', () => {
    const hour = (time: number) => Math.floor(time / HOUR_MS) % 24
    const starts = traces.map(({ root }) => hour(root.start))
    const day = starts.filter((start) => start >= 8 && start < 20).length
    expect(day).toBeGreaterThan(1.5 * (traces.length - day))
  })

  it('calls every model, fails sometimes, reads and writes caches, serves several users in sessions', () => {
    const values = (key: string) => new Set(spans.map(({ attributes }) => attributes[key]).filter(Boolean))
    const models = Object.values(MODELS).map(({ model }) => model)
    expect(values('gen_ai.request.model')).toEqual(new Set(models))
    expect(values('gen_ai.provider.name').size).toBe(4)
    expect(spans.filter(({ error }) => error !== undefined).length).toBeGreaterThan(0)
    expect(values('gen_ai.usage.cache_read.input_tokens').size).toBeGreaterThan(0)
    expect(values('gen_ai.usage.cache_creation.input_tokens').size).toBeGreaterThan(0)
    expect(values('user.id').size).toBe(6)
    expect(values('session.id').size).toBeLessThan(traces.length)
  })

  it('never caches or reasons more than it reads or writes, and agents repeat exact sums', () => {
    const tokens = (span: PlannedSpan, key: string) => Number(span.attributes[`gen_ai.usage.${key}`] ?? 0)
    for (const span of spans) {
      const cached = tokens(span, 'cache_read.input_tokens') + tokens(span, 'cache_creation.input_tokens')
      expect(cached).toBeLessThanOrEqual(tokens(span, 'input_tokens'))
      expect(tokens(span, 'reasoning.output_tokens')).toBeLessThanOrEqual(tokens(span, 'output_tokens'))
      if (span.attributes['gen_ai.operation.name'] !== 'invoke_agent') continue
      for (const key of ['input_tokens', 'output_tokens'])
        expect(tokens(span, key)).toBe(leaves(span).reduce((sum, leaf) => sum + tokens(leaf, key), 0))
    }
  })

  it('has traces of one span and of many', () => {
    const counts = traces.map(({ root }) => countSpans(root))
    expect(Math.min(...counts)).toBe(1)
    expect(Math.max(...counts)).toBeGreaterThan(8)
  })
})
