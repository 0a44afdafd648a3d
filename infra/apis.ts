import { ProjectService } from '@cdktf/provider-google/lib/project-service/index.js'
import { Aspects, TerraformResource } from 'cdktf'
import type { Context } from './context.ts'

/** What the deployment calls, or has Google call. */
export const APIS = [
  'artifactregistry',
  'bigquery',
  'billingbudgets',
  'cloudbuild',
  'cloudfunctions',
  'cloudresourcemanager',
  'cloudscheduler',
  'compute',
  'firestore',
  'iam',
  'logging',
  'monitoring',
  'pubsub',
  'run',
  'secretmanager',
  'storage',
] as const
export type Api = (typeof APIS)[number]

/** Switches the APIs on, before all else is made. They stay on when the deployment goes, since others may use them. */
export function enableApis({ scope, deployment: { project, domain, billingAccount } }: Context): void {
  const unused: readonly Api[] = [
    ...(domain === undefined ? (['compute'] as const) : []),
    ...(billingAccount === undefined ? (['billingbudgets'] as const) : []),
  ]
  const services = APIS.filter((api) => !unused.includes(api)).map(
    (api) =>
      new ProjectService(scope, `api-${api}`, { project, service: `${api}.googleapis.com`, disableOnDestroy: false }),
  )
  const names = services.map((service) => `${service.terraformResourceType}.${service.friendlyUniqueId}`)
  Aspects.of(scope).add({
    visit(node) {
      if (node instanceof TerraformResource && !(node instanceof ProjectService))
        node.dependsOn = [...new Set([...(node.dependsOn ?? []), ...names])]
    },
  })
}
