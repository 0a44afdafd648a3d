import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import type { MiddlewareHandler } from 'hono'
import type { Authenticate } from '../../shared/auth/authenticate.ts'
import { SpanledgerError } from '../../shared/errors.ts'
import { formatTime } from '../../shared/http/time.ts'
import { type SpanReader, USAGE_DIMENSIONS, type UsageDimension } from '../../shared/warehouse/trace-store.ts'
import { filterParameters, toFilter } from './filter.ts'
import { choices, parameter } from './parameters.ts'
import type { ReaderEnv } from './principal.ts'
import { readRoute, refuseInvalid, responses } from './route.ts'
import { NO_SPEND, spendJson, spendSchema } from './spend-json.ts'

/** An answer has at most this many rows; a question with more is refused. */
export const MAX_USAGE_ROWS = 10_000

const NANOS_PER_SECOND = 1_000_000_000n
const UNIT_SECONDS: Readonly<Record<string, bigint>> = { s: 1n, m: 60n, h: 3_600n, d: 86_400n }
/** A century; the nanoseconds of three are more than stores count in. */
const MAX_INTERVAL_SECONDS = 36_500n * 86_400n
const NAMED: Readonly<Record<string, string>> = { minute: '1m', hour: '1h', day: '1d' }

const groupSchema = z.partialRecord(z.enum(USAGE_DIMENSIONS), z.string()).meta({
  description: 'the value of each dimension of groupBy; empty where nothing was said',
  example: { model: 'gpt-4o-mini' },
})
const answerSchema = z.object({
  totals: spendSchema.meta({ description: 'over all spans that meet the filter' }),
  groups: z.array(spendSchema.extend({ group: groupSchema })).meta({
    description: 'by groupBy, dearest first; empty without groupBy',
  }),
  series: z.array(spendSchema.extend({ intervalStart: z.string(), group: groupSchema })).meta({
    description: 'by interval of start time and by groupBy, intervals without spans left out; empty without interval',
  }),
})

/** `GET /ledger/v1/usage`. */
export function usageRoutes(
  reader: SpanReader,
  authenticate: Authenticate,
  gate: MiddlewareHandler<ReaderEnv>,
): OpenAPIHono<ReaderEnv> {
  const get = createRoute({
    ...readRoute(authenticate, 'usage', gate),
    path: '/ledger/v1/usage',
    summary: 'Spend and volume: totals, by group and over time',
    description: 'Of all time unless from or to is given. Requests are traces; latency is of GenAI calls alone.',
    request: {
      query: z.strictObject({
        ...filterParameters,
        groupBy: choices('dimensions', USAGE_DIMENSIONS, 'model,user'),
        interval: parameter('minute, hour, day, or a number and s, m, h or d; UTC, aligned to 1970', interval, 'day'),
      }),
    },
    responses: responses('spend and volume', answerSchema),
  })
  return new OpenAPIHono<ReaderEnv>({ defaultHook: refuseInvalid }).openapi(get, async (c) => {
    const { groupBy = [], interval: intervalNanos, ...rest } = c.req.valid('query')
    const filter = toFilter(c.get('principal').project, rest)
    const ask = (by: readonly UsageDimension[], nanos?: bigint) =>
      reader.usage({
        filter,
        groupBy: by,
        maxRows: MAX_USAGE_ROWS,
        ...(nanos !== undefined && { intervalNanos: nanos }),
      })
    const [totals, groups, series] = await Promise.all([
      ask([]),
      groupBy.length === 0 ? [] : ask(groupBy),
      intervalNanos === undefined ? [] : ask(groupBy, intervalNanos),
    ])
    const group = (values: readonly string[]) => Object.fromEntries(groupBy.map((name, at) => [name, values[at] ?? '']))
    return c.json(
      {
        totals: spendJson(totals[0] ?? NO_SPEND),
        groups: groups.map((row) => ({ group: group(row.group), ...spendJson(row) })),
        series: series.map((row) => ({
          intervalStart: formatTime(row.intervalStart ?? 0n),
          group: group(row.group),
          ...spendJson(row),
        })),
      },
      200,
    )
  })
}

function interval(value: string): bigint {
  const [, count = '', unit = ''] = /^(\d{1,7})([smhd])$/.exec(NAMED[value] ?? value) ?? []
  const seconds = BigInt(count) * (UNIT_SECONDS[unit] ?? 0n)
  if (seconds === 0n || seconds > MAX_INTERVAL_SECONDS)
    throw new SpanledgerError(
      'query/invalid',
      'must be minute, hour, day, or such as 30s, 5m, 6h, 7d, of at most 36500d',
    )
  return seconds * NANOS_PER_SECOND
}
