import { expect, test } from 'vitest'
import { createRecentTraces } from './recent-traces.ts'

const entry = (digest: string) => ({
  digest,
  links: new Map([['a', { parent: '', tool: false }]]),
  usages: [],
  corrections: [],
})
const key = (traceId: string) => ({ project: 'p', traceId })

test('what was said of a trace is remembered once a message, and apart by project', () => {
  const recent = createRecentTraces()
  recent.remember(key('t'), entry('d1'))
  recent.remember(key('t'), entry('d1'))
  recent.remember(key('t'), entry('d2'))
  expect(recent.recall(key('t')).map(({ digest }) => digest)).toStrictEqual(['d1', 'd2'])
  expect(recent.recall({ project: 'q', traceId: 't' })).toStrictEqual([])
})

test('memory is bounded: the oldest is forgotten first', () => {
  const recent = createRecentTraces({ maxBytes: 3000, maxKept: 2 })
  for (let n = 0; n < 100; n++) {
    recent.remember(key(`${n}`), entry('d'))
    recent.markKept(key(`${n}`))
  }
  const remembered = Array.from({ length: 100 }, (_, n) => n).filter((n) => recent.recall(key(`${n}`)).length > 0)
  expect(remembered).toStrictEqual([90, 91, 92, 93, 94, 95, 96, 97, 98, 99])
  expect([97, 98, 99].map((n) => recent.isKept(key(`${n}`)))).toStrictEqual([false, true, true])
})
