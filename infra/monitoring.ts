import { BillingBudget } from '@cdktf/provider-google/lib/billing-budget/index.js'
import {
  MonitoringAlertPolicy,
  type MonitoringAlertPolicyConditions,
} from '@cdktf/provider-google/lib/monitoring-alert-policy/index.js'
import { MonitoringDashboard } from '@cdktf/provider-google/lib/monitoring-dashboard/index.js'
import { MonitoringNotificationChannel } from '@cdktf/provider-google/lib/monitoring-notification-channel/index.js'
import { SUBSCRIPTIONS } from '../shared/bus/bus.ts'
import type { Context } from './context.ts'

interface Alert {
  readonly title: string
  readonly severity: 'CRITICAL' | 'ERROR' | 'WARNING'
  readonly filter: string
  readonly aligner: 'ALIGN_MAX' | 'ALIGN_RATE' | 'ALIGN_DELTA'
  /** Over which it is aligned, in seconds. @defaultValue 60 */
  readonly period?: number
  /** Above which it fires, when it has been so for `seconds`. */
  readonly threshold: number
  readonly seconds: number
  /** What to do, for whoever is woken. */
  readonly advice: string
}

function alerts({ deployment, ...context }: Context): Alert[] {
  const { prefix } = deployment
  const subscription = `resource.type = "pubsub_subscription" AND resource.labels.subscription_id`
  const metric = (name: string) => `metric.type = "${name}"`
  const failures = (services: string) =>
    `resource.type = "cloud_run_revision" AND resource.labels.service_name = monitoring.regex.full_match("${prefix}-${services}") AND ${metric('run.googleapis.com/request_count')} AND metric.labels.response_code_class = "5xx"`
  return [
    {
      title: 'dead letters',
      severity: 'ERROR',
      filter: `${subscription} = "${context.name('dead-letter')}" AND ${metric('pubsub.googleapis.com/subscription/num_undelivered_messages')}`,
      aligner: 'ALIGN_MAX',
      threshold: 0,
      seconds: 0,
      advice: 'Messages were given up. The attribute deadReason says why; they are kept for 31 days.',
    },
    {
      title: 'backlog',
      severity: 'WARNING',
      filter: `${subscription} = monitoring.regex.full_match("${prefix}-(${[...Object.keys(SUBSCRIPTIONS), 'intake'].join('|')})") AND ${metric('pubsub.googleapis.com/subscription/oldest_unacked_message_age')}`,
      aligner: 'ALIGN_MAX',
      threshold: 900,
      seconds: 300,
      advice: 'A subscription is 15 minutes behind. Look at the logs of the function of its name.',
    },
    {
      title: 'errors',
      severity: 'ERROR',
      filter: failures('.*'),
      aligner: 'ALIGN_RATE',
      threshold: 0.1,
      seconds: 300,
      advice:
        'A function answers 5xx more than once in ten seconds. Pub/Sub and clients try again; nothing is lost yet.',
    },
    {
      title: 'scheduled runs',
      severity: 'ERROR',
      // They are called too seldom for the alert above, whatever they answer.
      filter: failures('(lake|books)'),
      aligner: 'ALIGN_DELTA',
      period: 3_600,
      threshold: 3,
      seconds: 0,
      advice:
        'Of the runs of the last hour more than three failed. Spans and books wait, or hours are not compacted: the logs of the functions lake and books say why.',
    },
  ]
}

/**
 * Alerts where there is someone to tell (Google bills for each condition, whoever hears of it), a dashboard, and a budget for
 * what the deployment itself costs.
 */
export function createMonitoring(context: Context): void {
  const { scope, deployment } = context
  const { project, alertEmails = [], billingAccount, monthlyBudget } = deployment
  const channels = alertEmails.map(
    (address, index) =>
      new MonitoringNotificationChannel(scope, `channel-${index}`, {
        ...{ project, type: 'email', displayName: address, labels: { email_address: address } },
      }),
  )
  const notificationChannels = channels.map(({ id }) => id)
  for (const alert of channels.length > 0 ? alerts(context) : [])
    new MonitoringAlertPolicy(scope, `alert-${alert.title.replaceAll(' ', '-')}`, {
      project,
      displayName: `${deployment.prefix}: ${alert.title}`,
      combiner: 'OR',
      severity: alert.severity,
      conditions: [condition(alert)],
      documentation: { content: alert.advice, mimeType: 'text/markdown' },
      notificationChannels,
    })
  new MonitoringDashboard(scope, 'dashboard', { project, dashboardJson: dashboard(context) })
  if (billingAccount === undefined || monthlyBudget === undefined) return
  new BillingBudget(scope, 'spend', {
    billingAccount,
    displayName: `${deployment.prefix}: monthly spend`,
    budgetFilter: { projects: [`projects/${context.projectNumber}`] },
    amount: { specifiedAmount: { units: String(monthlyBudget) } },
    thresholdRules: [0.5, 0.9, 1].map((thresholdPercent) => ({ thresholdPercent })),
    ...(channels.length > 0 && { allUpdatesRule: { monitoringNotificationChannels: notificationChannels } }),
  })
}

/** What is counted is counted over all revisions and codes of a function. */
const BY_SERVICE: Partial<Record<Alert['aligner'], object>> = {
  ALIGN_DELTA: { crossSeriesReducer: 'REDUCE_SUM', groupByFields: ['resource.label.service_name'] },
}

function condition({
  title,
  filter,
  aligner,
  period = 60,
  threshold,
  seconds,
}: Alert): MonitoringAlertPolicyConditions {
  return {
    displayName: title,
    conditionThreshold: {
      filter,
      comparison: 'COMPARISON_GT',
      thresholdValue: threshold,
      duration: `${seconds}s`,
      aggregations: [{ alignmentPeriod: `${period}s`, perSeriesAligner: aligner, ...BY_SERVICE[aligner] }],
      trigger: { count: 1 },
    },
  }
}

function dashboard(context: Context): string {
  const { prefix } = context.deployment
  const services = `resource.type="cloud_run_revision" resource.labels.service_name=monitoring.regex.full_match("${prefix}-.*")`
  const subscriptions = `resource.type="pubsub_subscription" resource.labels.subscription_id=monitoring.regex.full_match("${prefix}-.*")`
  const charts: readonly (readonly [title: string, filter: string, aligner: string, group: string])[] = [
    [
      'Requests per second',
      `metric.type="run.googleapis.com/request_count" ${services}`,
      'ALIGN_RATE',
      'resource.label.service_name',
    ],
    [
      'Latency, 99th percentile',
      `metric.type="run.googleapis.com/request_latencies" ${services}`,
      'ALIGN_PERCENTILE_99',
      'resource.label.service_name',
    ],
    [
      'Instances',
      `metric.type="run.googleapis.com/container/instance_count" ${services}`,
      'ALIGN_MAX',
      'resource.label.service_name',
    ],
    [
      'Oldest message that waits, seconds',
      `metric.type="pubsub.googleapis.com/subscription/oldest_unacked_message_age" ${subscriptions}`,
      'ALIGN_MAX',
      'resource.label.subscription_id',
    ],
    [
      'Messages that wait',
      `metric.type="pubsub.googleapis.com/subscription/num_undelivered_messages" ${subscriptions}`,
      'ALIGN_MAX',
      'resource.label.subscription_id',
    ],
  ]
  const widgets = charts.map(([title, filter, perSeriesAligner, group]) => ({
    title,
    xyChart: {
      dataSets: [
        {
          plotType: 'LINE',
          timeSeriesQuery: {
            timeSeriesFilter: {
              filter,
              aggregation: {
                alignmentPeriod: '60s',
                perSeriesAligner,
                crossSeriesReducer: 'REDUCE_MAX',
                groupByFields: [group],
              },
            },
          },
        },
      ],
    },
  }))
  return JSON.stringify({ displayName: `Spanledger ${prefix}`, gridLayout: { columns: '2', widgets } })
}
