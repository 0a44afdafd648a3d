import { expect, test } from 'vitest'
import { readConfig } from '../../shared/config.ts'
import { lakeWindow, retentionPolicy } from './settings.ts'

test('what is not set keeps everything, and takes what is 400 days old at most', () => {
  expect(retentionPolicy(readConfig({}))).toStrictEqual({ days: Number.POSITIVE_INFINITY, projects: {} })
  expect(lakeWindow(readConfig({}))).toStrictEqual({ pastDays: 400, futureDays: 2 })
})

test('days by project; 0 keeps what all others lose', () => {
  const config = readConfig({ SPANLEDGER_LAKE_RETENTION: '90,trial=7, audit =0,half=0.5' })
  expect(retentionPolicy(config)).toStrictEqual({
    days: 90,
    projects: { trial: 7, audit: Number.POSITIVE_INFINITY, half: 0.5 },
  })
})

test.each(['-1', 'soon', 'trial=7', '0,trial', '0,trial=', '0,trial=soon', '0,=7', '0,a=1;b=2'])(
  'refuses %j',
  (text) => {
    expect(() => readConfig({ SPANLEDGER_LAKE_RETENTION: text })).toThrow(/NAME=DAYS/)
  },
)
