import { expect, test } from 'vitest'
import { etagOf, versionOf } from './etag.ts'

test('an If-Match names the version whose ETag it is, weak or not; a star and nothing name none', () => {
  expect([etagOf('a1'), `W/${etagOf('a1')}`, ` ${etagOf('a1')} `, 'a1'].map(versionOf)).toStrictEqual(
    Array(4).fill('a1'),
  )
  expect(['*', ' * ', undefined].map(versionOf)).toStrictEqual([undefined, undefined, undefined])
  expect(['"a', '"a", "b"', ''].map(versionOf)).not.toContain('a')
})
