import { expect, test } from 'vitest'
import { readConfig, unknownSettings } from './config.ts'

test.each([
  [{ PORT: 'abc' }, 'config: PORT: must be a number, not NaN'],
  [{ SPANLEDGER_WAREHOUSE: 'postgres' }, 'config: SPANLEDGER_WAREHOUSE: must be duckdb or sqlite'],
  [{ SPANLEDGER_FORWARD_URL: 'x' }, 'config: SPANLEDGER_FORWARD_URL: invalid URL'],
  [
    { PORT: '70000', SPANLEDGER_MAX_DEPTH: '0' },
    'config: PORT: too big: expected number to be <=65535; SPANLEDGER_MAX_DEPTH: too small: expected number to be >0',
  ],
])('a wrong setting was told in the words of a library: %j', (env, message) => {
  expect(() => readConfig(env)).toThrow(message)
})

test('a setting whose name was misspelt was ignored without a word', () => {
  const env = { SPANLEDGER_LAKE_RETENTON: '90', SPANLEDGER_DATA: 'd', SPANLEDGER_KEY: 'slk_1.2', PATH: '', OTHER: '1' }
  expect(unknownSettings(env)).toStrictEqual(['SPANLEDGER_LAKE_RETENTON'])
})
