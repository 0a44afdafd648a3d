import { CloudRunServiceIamMember } from '@cdktf/provider-google/lib/cloud-run-service-iam-member/index.js'
import { CloudSchedulerJob } from '@cdktf/provider-google/lib/cloud-scheduler-job/index.js'
import type { Cloudfunctions2Function } from '@cdktf/provider-google/lib/cloudfunctions2-function/index.js'
import { ServiceAccount } from '@cdktf/provider-google/lib/service-account/index.js'
import type { Context } from './context.ts'

/** What runs when, by path of the function `lake`; in cron's notation, UTC. */
export const SCHEDULE = {
  // The next run does what one left.
  write: { schedule: '*/5 * * * *', path: '/write', retries: 0 },
  // Never in the minute of a write: `lake` takes one request at a time and refuses what waits for long.
  compact: { schedule: '22 * * * *', path: '/compact', retries: 3 },
} as const

/** The jobs that call `lake`, by an account that may call nothing else. */
export function createSchedule(context: Context, lake: Cloudfunctions2Function): void {
  const { scope, deployment } = context
  const { project, region } = deployment
  const account = new ServiceAccount(scope, 'account-schedule', {
    project,
    accountId: context.name('schedule'),
    displayName: 'Spanledger: Cloud Scheduler calling lake',
  })
  const invoker = new CloudRunServiceIamMember(scope, 'invoke-lake', {
    ...{ project, location: region, service: lake.name, role: 'roles/run.invoker', member: account.member },
  })
  const { uri } = lake.serviceConfig
  for (const [name, { schedule, path, retries }] of Object.entries(SCHEDULE))
    new CloudSchedulerJob(scope, `job-${name}`, {
      project,
      region,
      name: context.name(`lake-${name}`),
      schedule,
      timeZone: 'Etc/UTC',
      attemptDeadline: '600s',
      retryConfig: { retryCount: retries, minBackoffDuration: '60s', maxBackoffDuration: '120s' },
      httpTarget: {
        httpMethod: 'POST',
        uri: `${uri}${path}`,
        oidcToken: { serviceAccountEmail: account.email, audience: uri },
      },
      dependsOn: [invoker],
    })
}
