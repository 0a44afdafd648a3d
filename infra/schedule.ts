import { CloudRunServiceIamMember } from '@cdktf/provider-google/lib/cloud-run-service-iam-member/index.js'
import { CloudSchedulerJob } from '@cdktf/provider-google/lib/cloud-scheduler-job/index.js'
import type { Cloudfunctions2Function } from '@cdktf/provider-google/lib/cloudfunctions2-function/index.js'
import { ServiceAccount } from '@cdktf/provider-google/lib/service-account/index.js'
import type { FunctionName } from '../shared/platform/functions.ts'
import type { Context } from './context.ts'

interface Job {
  readonly calls: FunctionName
  /** In cron's notation, UTC. */
  readonly schedule: string
  readonly path: string
  readonly retries: number
}

/** What runs when. */
export const SCHEDULE = {
  // The next run does what one left.
  write: { calls: 'lake', schedule: '*/5 * * * *', path: '/write', retries: 0 },
  // Never in the minute of a write: `lake` takes one request at a time and refuses what waits for long.
  compact: { calls: 'lake', schedule: '22 * * * *', path: '/compact', retries: 3 },
  books: { calls: 'books', schedule: '*/10 * * * *', path: '/write', retries: 0 },
} as const satisfies Record<string, Job>

/** The jobs, and the account by which they call functions; it may call nothing else. */
export function createSchedule(
  context: Context,
  functions: Readonly<Record<FunctionName, Cloudfunctions2Function>>,
): void {
  const { scope, deployment } = context
  const { project, region } = deployment
  const account = new ServiceAccount(scope, 'account-schedule', {
    project,
    accountId: context.name('schedule'),
    displayName: 'Spanledger: Cloud Scheduler calling functions',
  })
  const invokers = new Map<FunctionName, CloudRunServiceIamMember>()
  for (const name of new Set(Object.values(SCHEDULE).map(({ calls }) => calls))) {
    const grant = { service: functions[name].name, role: 'roles/run.invoker', member: account.member }
    invokers.set(name, new CloudRunServiceIamMember(scope, `invoke-${name}`, { project, location: region, ...grant }))
  }
  for (const [name, { calls, schedule, path, retries }] of Object.entries(SCHEDULE)) {
    const { uri } = functions[calls].serviceConfig
    new CloudSchedulerJob(scope, `job-${name}`, {
      project,
      region,
      name: context.name(`${calls}-${name}`),
      schedule,
      timeZone: 'Etc/UTC',
      attemptDeadline: '600s',
      retryConfig: { retryCount: retries, minBackoffDuration: '60s', maxBackoffDuration: '120s' },
      httpTarget: {
        httpMethod: 'POST',
        uri: `${uri}${path}`,
        oidcToken: { serviceAccountEmail: account.email, audience: uri },
      },
      dependsOn: [invokers.get(calls)!],
    })
  }
}
