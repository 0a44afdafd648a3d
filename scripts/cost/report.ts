import { ASSUMPTIONS } from './assumptions.ts'
import { type Bill, billOf } from './bill.ts'
import { type HourReport, measureHour } from './hour.ts'
import { type MonthOptions, type MonthPlan, planMonth, type Usage, usageOf } from './month.ts'
import { PRICES, type Unit } from './prices.ts'
import type { Traffic } from './traffic.ts'

/** The traffic whose cost is asked for. */
export interface CostOptions extends Traffic, MonthOptions {
  /** Budgets of the project; each applies to every call. */
  readonly budgets: number
  /** CPU time of this process so far, in milliseconds. */
  readonly cpuMs?: () => number
}

/** What a deployment costs in a month of such traffic. USD, bytes, milliseconds. */
export interface CostReport {
  readonly traffic: Omit<CostOptions, 'cpuMs'> & { readonly spansPerMonth: number; readonly requestsPerMonth: number }
  readonly month: Bill
  /** The same deployment, nothing sent and nothing kept. */
  readonly idle: Bill
  /** What traffic adds at list price, for each million spans: no quota is taken off. Null without traffic. */
  readonly listUsdPerMillion: number | null
  /** What a million spans more adds to this bill. Null without traffic. */
  readonly nextMillionUsd: number | null
  /** Spans a month from which on the first quota is used up, by what it is of. Null without traffic. */
  readonly quotas: Readonly<Partial<Record<Unit, number>>> | null
  /** For each span: bytes as exported (compressed, plain), and CPU of each function as measured. */
  readonly perSpan: {
    readonly sentBytes: number
    readonly bytes: number
    readonly cpuMicros: Readonly<Record<string, number>>
  } | null
  /** For each request to a function, in milliseconds: CPU as measured, and assumed waits. */
  readonly perRequest: Readonly<Record<string, { readonly cpuMs: number; readonly waitedMs: number }>>
  readonly assumptions: typeof ASSUMPTIONS
  readonly prices: typeof PRICES
}

const MILLION = 1e6

/** Measures an hour by running the functions' code, makes a month of it, and prices that. */
export async function estimateCost(options: CostOptions): Promise<CostReport> {
  const { cpuMs, ...given } = options
  const sent = options.spansPerDay > 0
  // Once to warm up: an instance serves many requests.
  if (sent && cpuMs === undefined) await measureHour({ ...options, requests: 2, hoursKept: 0 })
  const measured = await measureMonth(options)
  const { plan, hour, usage } = measured
  const { usage: idle } = await measureMonth({ ...options, spansPerDay: 0, monthsKept: 0 })
  const month = billOf(usage)
  const idleBill = billOf(idle)
  return {
    traffic: { ...given, spansPerMonth: plan.spans, requestsPerMonth: plan.requests },
    month,
    idle: idleBill,
    listUsdPerMillion: sent ? (month.listUsd - idleBill.listUsd) / (plan.spans / MILLION) : null,
    nextMillionUsd: sent ? (await billWithMore(options, measured)) - month.usd : null,
    quotas: sent ? quotasOf(usage, idle, plan) : null,
    perSpan: sent ? perSpanOf(hour, plan.sampled * options.spansPerRequest) : null,
    perRequest: Object.fromEntries(
      Object.entries(hour.functions).map(([name, use]) => [
        name,
        { cpuMs: use.cpuMs / use.requests, waitedMs: use.waitedMs / use.requests },
      ]),
    ),
    assumptions: ASSUMPTIONS,
    prices: PRICES,
  }
}

interface MeasuredMonth {
  readonly plan: MonthPlan
  readonly hoursKept: number
  readonly hour: HourReport
  readonly usage: Usage
}

/** `known` is used again where its hour is the same, so that CPU times which differ by chance do not look like traffic. */
async function measureMonth(options: CostOptions, known?: MeasuredMonth): Promise<MeasuredMonth> {
  const plan = planMonth(options)
  // A month of busy hours is not to come out as one hour less.
  const hoursKept = Math.floor(options.monthsKept * plan.activeHours + 1e-6)
  const isSame = known?.plan.sampled === plan.sampled && known.hoursKept === hoursKept
  const hour = isSame
    ? known.hour
    : await measureHour({ ...options, requests: plan.sampled, apartMs: plan.apartMs, hoursKept })
  return { plan, hoursKept, hour, usage: usageOf(hour, plan, options) }
}

/** Measured, not scaled: what an hour of the lake takes hardly grows with the spans in it. */
async function billWithMore(options: CostOptions, known: MeasuredMonth): Promise<number> {
  const spansPerDay = options.spansPerDay + MILLION / ASSUMPTIONS.daysPerMonth
  return billOf((await measureMonth({ ...options, spansPerDay }, known)).usage).usd
}

function quotasOf(usage: Usage, idle: Usage, { spans }: MonthPlan): CostReport['quotas'] {
  const entries = (Object.keys(PRICES) as Unit[]).flatMap((unit) => {
    const perSpan = (usage[unit] - idle[unit]) / spans
    const { free } = PRICES[unit]
    return free > 0 && perSpan > 0 ? [[unit, Math.max(0, (free - idle[unit]) / perSpan)] as const] : []
  })
  return Object.fromEntries(entries)
}

function perSpanOf({ sentBytes, spanBytes, functions }: HourReport, spans: number): CostReport['perSpan'] {
  const micros = Object.entries(functions).map(([name, { cpuMs }]) => [name, (cpuMs * 1000) / spans])
  return { sentBytes: sentBytes / spans, bytes: spanBytes / spans, cpuMicros: Object.fromEntries(micros) }
}

/** The report as a person reads it. */
export function describeReport(report: CostReport): string {
  const { traffic, month, idle, listUsdPerMillion, nextMillionUsd, perSpan } = report
  const millions = traffic.spansPerMonth / MILLION
  const head = ['', 'a month', 'list USD', 'to pay USD', ...(perSpan === null ? [] : ['list USD / million'])]
  const row = (label: string, quantity: string, list: number, usd: number, idleList: number) => [
    label,
    quantity,
    list.toFixed(4),
    usd.toFixed(4),
    ...(perSpan === null ? [] : [((list - idleList) / millions).toFixed(4)]),
  ]
  const rows = [
    head,
    ...month.lines.map(({ label, quantity, listUsd, usd }, index) =>
      row(label, quantityText(quantity), listUsd, usd, idle.lines[index]?.listUsd ?? 0),
    ),
    row('all', '', month.listUsd, month.usd, idle.listUsd),
  ]
  const first = Object.entries(report.quotas ?? {}).toSorted(([, a], [, b]) => a - b)[0]
  const { spansPerDay, spansPerRequest, llmShare, budgets, monthsKept } = traffic
  return `${[
    `${spansPerDay.toLocaleString('en')} spans a day, ${spansPerRequest} an export, ${llmShare * 100} % calls of models, ${budgets} budgets, ${monthsKept} months kept` +
      (perSpan === null ? '' : `; ${perSpan.bytes.toFixed(0)} bytes a span, ${perSpan.sentBytes.toFixed(0)} as sent`),
    '',
    ...table(rows),
    '',
    `idle: $${idle.usd.toFixed(4)} to pay, $${idle.listUsd.toFixed(4)} at list price without free quotas`,
    ...(listUsdPerMillion === null || nextMillionUsd === null
      ? []
      : [
          `each million spans: $${listUsdPerMillion.toFixed(4)} at list price; a million more on this bill: $${nextMillionUsd.toFixed(4)}`,
        ]),
    ...(first === undefined
      ? []
      : [
          `the first free quota to be used up: ${PRICES[first[0] as Unit].label}, at ${(first[1] / MILLION).toFixed(1)} million spans a month`,
        ]),
    'Counted by running the functions; latencies, starts and request logs are assumed: docs/cost.md, or --json.',
  ].join('\n')}\n`
}

function quantityText(quantity: number): string {
  return quantity.toLocaleString('en', { maximumFractionDigits: 0 })
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  '),
  )
}
