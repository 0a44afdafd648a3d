import { ProjectService } from '@cdktf/provider-google/lib/project-service/index.js'
import { Sleep } from '@cdktf/provider-time/lib/sleep/index.js'
import { Aspects, TerraformResource } from 'cdktf'
import type { Context } from './context.ts'

/** What the deployment calls, or has Google call. */
const APIS = [
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

/** How long Google may take until what it has just enabled or granted holds everywhere. */
export const SETTLING = '60s'

/** Switches the APIs on, before all else is made. They stay on when the deployment goes, since others may use them. */
export function enableApis({ scope, deployment: { project, domain, billingAccount } }: Context): void {
  const unused: readonly Api[] = [
    ...(domain === undefined ? (['compute'] as const) : []),
    ...(billingAccount === undefined ? (['billingbudgets'] as const) : []),
  ]
  const apis = APIS.filter((api) => !unused.includes(api))
  const services = apis.map(
    (api) =>
      new ProjectService(scope, `api-${api}`, { project, service: `${api}.googleapis.com`, disableOnDestroy: false }),
  )
  // An API that was switched on a moment ago answers as if it were off, and its own agent is not there to be granted anything.
  const settled = new Sleep(scope, 'apis-settled', {
    createDuration: SETTLING,
    triggers: { apis: apis.join(' ') },
    dependsOn: services,
  })
  const name = `${settled.terraformResourceType}.${settled.friendlyUniqueId}`
  Aspects.of(scope).add({
    visit(node) {
      if (node instanceof TerraformResource && !(node instanceof ProjectService) && node !== settled)
        node.dependsOn = [...new Set([...(node.dependsOn ?? []), name])]
    },
  })
}
