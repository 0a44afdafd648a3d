import { z } from '@hono/zod-openapi'
import { type BudgetTerms, CALENDAR_PERIODS, DEFAULT_TERMS, FAIL_MODES, MODES } from '../../../shared/budgets/budget.ts'
import { type Selector, SUBJECT_FIELDS, type Subject, type SubjectField } from '../../../shared/budgets/selector.ts'
import { isSpanledgerError } from '../../../shared/errors.ts'
import { parseTime } from '../../../shared/http/time.ts'
import { amountInput } from './amount-json.ts'

const MAX_VALUES = 100
const MAX_TEXT = 1_024
const MAX_ROLLING_SECONDS = 366 * 86_400

/** Ids are safe as a file's, a document's and a path's name on every platform. */
export const budgetIdInput = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/,
    'must be 1 to 128 letters, digits, dots, dashes and underscores, the first a letter or digit',
  )
  .meta({ description: 'id of the budget within the project', example: 'team-search' })

const text = z
  .string()
  .min(1)
  .max(MAX_TEXT)
  .refine((value) => !value.includes('\0'), 'holds a NUL')
const scalar = z.union([text, z.number(), z.boolean()]).transform(String)
const anyOf = <T extends z.ZodType<string, unknown>>(item: T) =>
  z.union([item, z.array(item).min(1).max(MAX_VALUES)]).transform((value) => (Array.isArray(value) ? value : [value]))

const fields = <T extends z.ZodType>(value: T) =>
  Object.fromEntries(SUBJECT_FIELDS.map((field) => [field, value.optional()])) as Record<SubjectField, z.ZodOptional<T>>

/** Zod drops a member `__proto__` of a record: a condition would be gone, and the budget be for every call. */
const attributes = <T extends z.ZodType>(value: T) =>
  z
    .preprocess(
      (given, context) => {
        if (given instanceof Object && Object.hasOwn(given, '__proto__'))
          context.addIssue({ code: 'custom', message: 'no attribute can be named __proto__' })
        return given
      },
      z.record(text, value),
    )
    .optional()

const selectorInput = z
  .strictObject({ ...fields(anyOf(text)), attributes: attributes(anyOf(scalar)) })
  .transform((selector) => selector as Selector)
  .meta({
    description: 'which calls it is for: all conditions hold; of several values any one does; {} is every call',
    example: { user: 'u1' },
  })

export const subjectInput = z
  .strictObject({ ...fields(text), attributes: attributes(scalar) })
  .transform((subject) => subject as Subject)

const timeZone = z
  .string()
  .max(64)
  .refine(isTimeZone, 'is no IANA time zone, such as Europe/Zurich')
  .meta({ example: 'UTC' })

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined
  } catch {
    return false
  }
}

const alertTarget = z.strictObject({
  kind: z.enum(['webhook', 'slack']),
  url: z.url({ protocol: /^https?$/ }).max(2_048),
  secret: z.string().max(256).default(''),
})

/** What is PUT: only the limit must be given. */
export const termsInput = z
  .strictObject({
    name: z.string().max(200).default(DEFAULT_TERMS.name),
    selector: selectorInput.default({}),
    limit: amountInput,
    period: z
      .union(
        [
          z.enum(CALENDAR_PERIODS),
          z.strictObject({ rollingSeconds: z.number().int().min(60).max(MAX_ROLLING_SECONDS) }),
        ],
        {
          error: 'must be hour, day, week, month, total or {"rollingSeconds": 60 to 31622400}',
        },
      )
      .default(DEFAULT_TERMS.period),
    timeZone: timeZone.default(DEFAULT_TERMS.timeZone),
    mode: z.enum(MODES).default(DEFAULT_TERMS.mode),
    failMode: z.enum(FAIL_MODES).default(DEFAULT_TERMS.failMode),
    thresholds: z
      .array(z.number().min(0.000001, 'is a share: 0.5 is half').max(10, 'is a share: 0.5 is half'))
      .max(20)
      .transform((shares) => [...new Set(shares.map((share) => Math.round(share * 1e6) / 1e6))].sort((a, b) => a - b))
      .default([...DEFAULT_TERMS.thresholds]),
    carryOver: z
      .union([z.enum(['none', 'all']), z.strictObject({ cap: amountInput })], {
        error: 'must be none, all or {"cap": {"usd": 5}}',
      })
      .default('none'),
    alerts: z.array(alertTarget).max(5).default([]),
  })
  .transform(({ limit, carryOver, ...rest }, context): BudgetTerms => {
    if (typeof carryOver === 'object' && carryOver.cap.unit !== limit.unit) {
      context.addIssue({ code: 'custom', path: ['carryOver', 'cap'], message: "must be in the limit's unit" })
      return z.NEVER
    }
    const carried = typeof carryOver === 'object' ? { cap: carryOver.cap.amount } : carryOver
    return { ...rest, unit: limit.unit, limit: limit.amount, carryOver: carried }
  })

/** Why somebody did what they did. */
export const noteInput = z.string().max(1_000).default('')

/** A time in RFC 3339, as milliseconds since 1970. */
export const instantInput = z
  .string()
  .max(64)
  .transform((text, context) => {
    try {
      return Number(parseTime(text, 'budget/invalid') / 1_000_000n)
    } catch (error) {
      if (!isSpanledgerError(error)) throw error
      context.addIssue({ code: 'custom', message: error.message.replace(/^\w+: /, '') })
      return z.NEVER
    }
  })

/** Makes a request that is sent again the same request. */
export const idempotencyKeyInput = z.string().min(1).max(256)

const grantMembers = z.strictObject({
  amount: amountInput.refine(({ amount }) => amount > 0n, 'must be more than 0'),
  validFrom: instantInput.optional(),
  validTo: instantInput,
  note: noteInput,
})
const toGrant = <T extends z.output<typeof grantMembers>>({ amount, validFrom, validTo, ...rest }: T) => ({
  ...amount,
  from: validFrom,
  to: validTo,
  ...rest,
})

/** Funds on top of a limit, for spend between two times. */
export const grantInput = grantMembers.transform(toGrant)

/** {@link grantInput} that may come again. */
export const keyedGrantInput = grantMembers
  .extend({
    idempotencyKey: idempotencyKeyInput.optional().meta({ description: 'the same for every retry of one grant' }),
  })
  .transform(toGrant)
