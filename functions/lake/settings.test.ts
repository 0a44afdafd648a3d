import { expect, test } from 'vitest'
import { readConfig } from '../../shared/config.ts'
import { lakeWindow, retentionPolicy } from './settings.ts'

test('what is not set keeps everything, and takes what is 400 days old at most', () => {
  expect(retentionPolicy(readConfig({}))).toStrictEqual({ days: Number.POSITIVE_INFINITY, projects: {} })
  expect(lakeWindow(readConfig({}))).toStrictEqual({ pastDays: 400, futureDays: 2 })
})

test('days by project; 0 keeps what all others lose', () => {
  const config = readConfig({
    SPANLEDGER_LAKE_RETENTION_DAYS: '90',
    SPANLEDGER_LAKE_RETENTION_PROJECTS: 'trial=7, audit =0,half=0.5',
  })
  expect(retentionPolicy(config)).toStrictEqual({
    days: 90,
    projects: { trial: 7, audit: Number.POSITIVE_INFINITY, half: 0.5 },
  })
})

test.each(['trial', 'trial=', 'trial=soon', '=7', 'a=1;b=2', 'trial=-1'])('refuses %j at the start', (projects) => {
  expect(() => readConfig({ SPANLEDGER_LAKE_RETENTION_PROJECTS: projects })).toThrow(/NAME=DAYS/)
})
