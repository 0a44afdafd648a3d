import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Testing } from 'cdktf'
import { FUNCTION_NAMES, type FunctionName } from '../shared/platform/functions.ts'
import type { Deployment } from './deployment.ts'
import type { Bundles } from './functions.ts'
import { createStack } from './stack.ts'

/** A resource as Terraform reads it. */
export type Fields = Record<string, unknown>
type Resources = Record<string, Record<string, Fields>>

/** The stack as Terraform reads it. */
export interface Synthesised {
  readonly resource: Resources
  readonly data: Resources
  readonly output: Record<string, Fields>
  readonly provider: Record<string, unknown>
  readonly terraform: Fields
}

/** A deployment that decides nothing. */
export const LEAST: Deployment = { project: 'my-project', region: 'europe-west1', prefix: 'ledger' }

/** A deployment that decides everything. */
export const EVERYTHING: Deployment = {
  ...LEAST,
  dataLocation: 'EU',
  stateBucket: 'states',
  retentionDays: 400,
  projectRetentionDays: { trial: 30 },
  forward: { url: 'https://otlp.example.com/v1/traces', headersSecret: 'otlp-headers', projects: ['a', 'b'] },
  minInstances: 1,
  maxInstances: 20,
  maxBodyBytes: 1_000_000,
  logLevel: 'debug',
  rememberTraces: 'parts',
  alertEmails: ['a@example.com', 'b@example.com'],
  monthlyBudget: 5,
  billingAccount: '000000-000000-000000',
  domain: 'ledger.example.com',
  protectData: false,
}

const bundles = Object.fromEntries(
  FUNCTION_NAMES.map((name) => [name, { path: `dist/${name}.zip`, sha256: `${name}-digest` }]),
) as Bundles

/** Synthesises the stack and leaves no file behind. */
export function synthesise(deployment: Deployment = LEAST): Synthesised {
  const outdir = mkdtempSync(join(tmpdir(), 'spanledger-stack-'))
  try {
    return JSON.parse(Testing.synth(createStack(Testing.app({ outdir }), deployment, bundles), true)) as Synthesised
  } finally {
    rmSync(outdir, { recursive: true })
  }
}

/** Every resource of a type. */
export function all(stack: Synthesised, type: string): readonly Fields[] {
  return Object.values(stack.resource[type] ?? {})
}

/** How a function is run. */
export function serviceOf(stack: Synthesised, name: FunctionName): Fields {
  return stack.resource.google_cloudfunctions2_function![`function-${name}`]!.service_config as Fields
}

/** Every `${type.name.attribute}` within a value, as `type.name`. */
export function references(value: unknown): string[] {
  const found = JSON.stringify(value).matchAll(/\$\{(data\.)?([a-z]\w+)\.([\w-]+)[.[}]/g)
  return [...found].map(([, data = '', type, name]) => `${data}${type}.${name}`)
}
