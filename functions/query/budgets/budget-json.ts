import { z } from '@hono/zod-openapi'
import { shownUrl } from '../../../shared/budgets/alert-target.ts'
import { forecast } from '../../../shared/budgets/forecast.ts'
import type { Balance, Entry } from '../../../shared/budgets/ledger.ts'
import { endOrNull, spentShare } from '../../../shared/budgets/position.ts'
import type { Selector } from '../../../shared/budgets/selector.ts'
import { amountJson, amountSchema } from './amount-json.ts'

const time = z.string().meta({ description: 'RFC 3339', example: '2026-01-31T00:00:00Z' })

const grantSchema = z.object({
  id: z.string(),
  amount: amountSchema,
  remaining: amountSchema,
  validFrom: time,
  validTo: time,
  note: z.string(),
})

export const budgetSchema = z.object({
  id: z.string(),
  name: z.string(),
  selector: z.record(z.string(), z.unknown()),
  limit: amountSchema,
  period: z.union([z.string(), z.object({ rollingSeconds: z.number() })]),
  timeZone: z.string(),
  mode: z.string(),
  failMode: z.string(),
  thresholds: z.array(z.number()),
  carryOver: z.union([z.string(), z.object({ cap: amountSchema })]),
  alerts: z.array(z.object({ kind: z.string(), url: z.string(), signed: z.boolean() })),
  grants: z.array(grantSchema).meta({ description: 'those that have not expired' }),
  spent: amountSchema,
  reserved: amountSchema,
  remaining: amountSchema.meta({ description: 'what can still be reserved; negative after overspending' }),
  allowance: amountSchema.meta({ description: 'limit, carried-over funds and grants together' }),
  carried: amountSchema,
  percent: z.number().meta({ description: 'spent, of the allowance; 50 is half' }),
  unknownCount: z.number().int().meta({ description: 'calls of this period whose cost is not known; they count as 0' }),
  periodName: z.string(),
  periodStart: time,
  periodEnd: time.nullable(),
  backfill: z.string().meta({ description: 'pending until spend from before the budget was made has been added' }),
  createdAt: time,
  updatedAt: time,
})

/** A budget and where it stands, as it is shown. */
export function budgetJson({ budget, position }: Balance): z.infer<typeof budgetSchema> {
  const { unit, carryOver } = budget
  const amount = (value: bigint) => amountJson(unit, value)
  return {
    id: budget.id,
    name: budget.name,
    selector: selectorJson(budget.selector),
    limit: amount(budget.limit),
    period: budget.period,
    timeZone: budget.timeZone,
    mode: budget.mode,
    failMode: budget.failMode,
    thresholds: [...budget.thresholds],
    carryOver: typeof carryOver === 'object' ? { cap: amount(carryOver.cap) } : carryOver,
    alerts: budget.alerts.map(({ kind, url, secret }) => ({ kind, url: shownUrl(url), signed: secret !== '' })),
    grants: position.grants.map(({ grant, remaining }) => ({
      id: grant.id,
      amount: amount(grant.amount),
      remaining: amount(remaining),
      validFrom: timeJson(grant.from),
      validTo: timeJson(grant.to),
      note: grant.note,
    })),
    spent: amount(position.spent),
    reserved: amount(position.reserved),
    remaining: amount(position.remaining),
    allowance: amount(position.allowance),
    carried: amount(position.carried),
    percent: spentShare(position) * 100,
    unknownCount: position.unknown,
    periodName: position.period,
    periodStart: timeJson(position.start),
    periodEnd: timeJsonOrNull(endOrNull(position.end)),
    backfill: budget.backfill,
    createdAt: timeJson(budget.createdAt),
    updatedAt: timeJson(budget.updatedAt),
  }
}

export const forecastSchema = z.object({
  crossesAt: time.nullable().meta({ description: 'when nothing is left at this pace; null: not within the period' }),
  spentAtEnd: amountSchema.nullable().meta({ description: 'what is spent by the end of the period at this pace' }),
})

/** What becomes of a budget at the pace of its period so far. */
export function forecastJson({ budget, position }: Balance, now: number): z.infer<typeof forecastSchema> {
  const { crossesAt, spentAtEnd } = forecast(budget, position, now)
  return {
    crossesAt: timeJsonOrNull(crossesAt),
    spentAtEnd: spentAtEnd === null ? null : amountJson(budget.unit, spentAtEnd),
  }
}

export const entrySchema = z.object({
  id: z.string(),
  at: time,
  kind: z.string(),
  actor: z.string().meta({ description: "an API key's id; spans for what spans spent" }),
  amount: amountSchema.meta({ description: 'what it added to what is spent' }),
  bucketStart: time.nullable().meta({ description: 'start of the part of the period that it belongs to' }),
  spans: z.number().int(),
  note: z.string(),
})

export function entryJson(entry: Entry): z.infer<typeof entrySchema> {
  const { id, at, kind, actor, amount, unit, bucket, spans, note } = entry
  return {
    id,
    at: timeJson(at),
    kind,
    actor,
    amount: amountJson(unit, amount),
    bucketStart: timeJsonOrNull(bucket),
    spans,
    note,
  }
}

export function timeJson(millis: number): string {
  return new Date(millis).toISOString().replace('.000Z', 'Z')
}

export function timeJsonOrNull(millis: number | null): string | null {
  return millis === null ? null : timeJson(millis)
}

/** One value is shown as it was most likely given: without a list. */
function selectorJson({ attributes, ...fields }: Selector): Record<string, unknown> {
  const bare = (of: Readonly<Record<string, readonly string[] | undefined>>) =>
    Object.fromEntries(
      Object.entries(of).flatMap(([key, values]) =>
        values === undefined ? [] : [[key, values.length === 1 ? values[0] : values]],
      ),
    )
  return { ...bare(fields), ...(attributes !== undefined && { attributes: bare(attributes) }) }
}
