import type { Construct } from 'constructs'
import type { FunctionName } from '../shared/platform/functions.ts'
import type { Deployment } from './deployment.ts'

/** What every part of the stack is made with. */
export interface Context {
  readonly scope: Construct
  readonly deployment: Deployment
  /** Those that this deployment has. */
  readonly functions: readonly FunctionName[]
  /** `<prefix>-<name>`. */
  name(name: string): string
  /** BigQuery knows no dashes. */
  readonly dataset: string
  /** Of Google's own agents. */
  readonly projectNumber: string
  readonly labels: { readonly [label: string]: string }
}

/** Whether Terraform may delete what holds data. */
export function isProtected({ deployment }: Context): boolean {
  return deployment.protectData ?? true
}
