import { describe, expect, test } from 'vitest'
import { parseDeployment } from './deployment.ts'
import { LEAST, synthesise } from './stack.fixture.ts'

describe('a deployment that is wrong', () => {
  test.each([
    [null, 'is an object'],
    [{}, 'project: an id; region: as europe-west1; prefix'],
    [{ ...LEAST, region: 'Europe' }, 'region'],
    [{ ...LEAST, prefix: 'Ledger_1' }, 'prefix'],
    [{ ...LEAST, retentionDays: -1 }, 'retentionDays: a whole number'],
    // It would have deleted every file on the day it was written.
    [{ ...LEAST, retentionDays: 0 }, 'retentionDays: a whole number, at least 1'],
    [{ ...LEAST, maxInstances: 0 }, 'maxInstances: a whole number, at least 1'],
    [{ ...LEAST, monthlyBudget: 5 }, 'monthlyBudget and billingAccount: both or neither'],
    [{ ...LEAST, dataLocation: 'US' }, 'dataLocation: the region, or EU or US with the region in it'],
    [{ ...LEAST, dataLocation: 'europe-west3' }, 'dataLocation'],
    [{ ...LEAST, region: 'europe-west2', dataLocation: 'EU' }, 'dataLocation'],
    [{ ...LEAST, forward: { url: 'ftp://x', headersSecret: 's' } }, 'forward: an url'],
    [{ ...LEAST, forward: { url: 'https://x/v1/traces' } }, 'forward: an url'],
    [{ ...LEAST, retention: 1 }, 'retention: no such setting'],
    [{ ...LEAST, projectRetentionDays: 'trial=7' }, 'projectRetentionDays'],
    [{ ...LEAST, projectRetentionDays: { trial: 0 } }, 'projectRetentionDays'],
    [{ ...LEAST, projectRetentionDays: { 'a,b': 7 } }, 'projectRetentionDays'],
    [{ ...LEAST, alertEmails: 'me' }, 'alertEmails'],
    [{ ...LEAST, protectData: 'no' }, 'protectData'],
    [{ ...LEAST, rememberTraces: 'some' }, 'rememberTraces: all or parts'],
    [{ ...LEAST, minInstances: 11 }, 'minInstances: no more than maxInstances'],
    [{ ...LEAST, minInstances: 3, maxInstances: 2 }, 'minInstances: no more than maxInstances'],
    [{ ...LEAST, domain: 'https://ledger.example.com' }, 'domain: a host name'],
    [{ ...LEAST, region: 'europe-west123' }, 'region'],
  ])('%j is refused', (given, message) => {
    expect(() => parseDeployment(given)).toThrow(message)
  })

  test.each([
    { dataLocation: 'EU' },
    { dataLocation: 'europe-west1' },
    { region: 'us-central1', dataLocation: 'US' },
    // Berlin and Turin were refused: their numbers have two digits.
    { region: 'europe-west10', dataLocation: 'EU' },
    { region: 'europe-west12' },
    { region: 'northamerica-northeast1' },
    { minInstances: 0 },
    { minInstances: 10 },
    { projectRetentionDays: { trial: 7 } },
    { rememberTraces: 'parts' },
  ])('%j is taken', (given) => {
    expect(parseDeployment({ ...LEAST, ...given })).toMatchObject(given)
  })

  test('what no function starts with was deployed', () => {
    expect(() => synthesise(parseDeployment({ ...LEAST, logLevel: 'loud' }))).toThrow('SPANLEDGER_LOG_LEVEL')
  })

  test('the example is right', async () => {
    const example = await import('./deployment.example.json', { with: { type: 'json' } })
    expect(synthesise(parseDeployment({ ...example.default }))).toHaveProperty('resource')
  })
})
