import { expect, test } from 'vitest'
import { keepSecrets, shownUrl } from './alert-target.ts'

const slack = 'https://hooks.slack.com/services/T000/B000/XXXX'

test.each([
  ['https://example.com/', 'https://example.com/'],
  ['http://localhost:8080', 'http://localhost:8080'],
  [slack, expect.stringMatching(/^https:\/\/hooks\.slack\.com\/\.\.\.[0-9a-f]{8}$/)],
  ['https://example.com/?token=abc', expect.not.stringContaining('abc')],
  ['https://user:pass@example.com/', expect.not.stringContaining('pass')],
])('%s is shown without what lets anyone post', (url, shown) => {
  expect(shownUrl(url)).toEqual(shown)
})

test('what is sent back as it was shown stays what it was, and what is new is new', () => {
  const former = [
    { kind: 'slack', url: slack, secret: '' },
    { kind: 'webhook', url: 'https://a.example/hook', secret: 's3cret' },
  ] as const
  const back = former.map(({ kind, url }) => ({ kind, url: shownUrl(url), secret: '' }))
  expect(keepSecrets(back, former)).toEqual(former)
  const changed = { kind: 'webhook', url: 'https://a.example/hook', secret: 'new' } as const
  const other = { kind: 'webhook', url: 'https://b.example/hook', secret: '' } as const
  expect(keepSecrets([changed, other], former)).toEqual([changed, other])
  expect(() => keepSecrets(back, [])).toThrow(expect.objectContaining({ code: 'budget/invalid' }))
})
