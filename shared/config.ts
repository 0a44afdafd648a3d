import { z } from 'zod'
import { SpanledgerError } from './errors.ts'
import { describeIssues } from './issues.ts'

const bytes = z.coerce.number().int().positive()
const millis = z.coerce.number().int().nonnegative()
const days = z.coerce.number().nonnegative()
const flag = z.stringbool().default(false)

/**
 * Every setting, by environment variable. A function reads no other. Sizes in bytes, times in milliseconds.
 */
const schema = z.object({
  SPANLEDGER_PLATFORM: z.enum(['local', 'gcp']).default('local').describe('which platform to run on'),
  PORT: z.coerce.number().int().min(0).max(65_535).default(4318).describe('port to listen on; 0 picks a free one'),
  SPANLEDGER_HOST: z.string().default('127.0.0.1').describe('address to listen on; any but loopback needs API keys'),
  SPANLEDGER_DATA: z
    .string()
    .default('.spanledger')
    .describe('directory that holds all state of the embedded platform'),
  SPANLEDGER_LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error'])
    .default('info')
    .describe('least level that is logged'),
  SPANLEDGER_WAREHOUSE: z.enum(['duckdb', 'sqlite']).default('duckdb').describe('embedded trace store'),
  SPANLEDGER_MAX_BODY_BYTES: bytes
    .default(16 * 1024 * 1024)
    .describe('largest request body, as sent and after decompression'),
  SPANLEDGER_MAX_ATTRIBUTES: bytes.default(512).describe('most attributes of one span, event, link, scope or resource'),
  SPANLEDGER_MAX_ATTRIBUTE_BYTES: bytes.default(7 * 1024 * 1024).describe('longest attribute key or value'),
  SPANLEDGER_MAX_DEPTH: bytes.default(32).describe('deepest nesting of arrays and key-value lists in an attribute'),
  SPANLEDGER_MAX_NAME_BYTES: bytes
    .default(64 * 1024)
    .describe('longest name, scope version, trace state or schema URL'),
  SPANLEDGER_MAX_RESOURCE_BYTES: bytes.default(512 * 1024).describe('largest resource or scope of a request'),
  SPANLEDGER_MAX_OBJECTS: bytes
    .default(250_000)
    .describe('most spans, events, links, arrays and key-value lists of a request'),
  SPANLEDGER_MAX_IN_FLIGHT_BYTES: bytes
    .default(256 * 1024 * 1024)
    .describe('what all request bodies under way may hold together'),
  SPANLEDGER_QUEUE_MAX_BYTES: bytes.default(8 * 1024 ** 3).describe('backlog at which ingest answers 503'),
  SPANLEDGER_QUEUE_MAX_ATTEMPTS: bytes.default(10).describe('tries before a message is dead-lettered'),
  SPANLEDGER_QUEUE_VISIBILITY_MS: millis
    .default(60_000)
    .describe('after which an unsettled message is delivered again'),
  SPANLEDGER_LAKE_FLUSH_MS: millis.default(4_000).describe('oldest age of spans before their Parquet file is written'),
  SPANLEDGER_LAKE_FLUSH_BYTES: bytes
    .default(16 * 1024 * 1024)
    .describe('size of waiting messages that writes a Parquet file early'),
  SPANLEDGER_LAKE_CODEC: z.enum(['zstd', 'snappy']).default('zstd').describe('compression of Parquet files'),
  SPANLEDGER_LAKE_PAST_DAYS: days
    .default(400)
    .describe('days before its arrival that a span may start; one that starts earlier is quarantined in the lake'),
  SPANLEDGER_LAKE_FUTURE_DAYS: days
    .default(2)
    .describe('days after its arrival that a span may start; one that starts later is quarantined in the lake'),
  SPANLEDGER_LAKE_COMPACT_MS: millis
    .default(600_000)
    .describe('embedded: pause between two runs of the compactor; 0 runs none'),
  SPANLEDGER_LAKE_GRACE_MS: millis
    .default(900_000)
    .describe('for how long a reader of the lake may take: a file that was replaced is deleted that much later'),
  SPANLEDGER_LAKE_RETENTION: z
    .string()
    .regex(/^\d+(\.\d+)?(,[^=,]+=\d+(\.\d+)?)*$/, 'is not DAYS or DAYS,NAME=DAYS,…')
    .default('0')
    .describe(
      'days after their hour that spans are deleted from the lake, then of single projects: `90,trial=7`; 0 keeps them forever',
    ),
  SPANLEDGER_RECONCILE_MS: millis
    .default(86_400_000)
    .describe('how often budgets are compared with the stored spans, and corrected; 0 for never'),
  SPANLEDGER_WAREHOUSE_RETENTION_DAYS: days
    .default(0)
    .describe(
      'days after which the trace store forgets spans, where it is made to: such are not compared; 0 for never',
    ),
  SPANLEDGER_LAKE_CACHE_BYTES: bytes
    .default(4 * 1024 ** 3)
    .describe('what commands that read the lake in a bucket keep of it in the data directory'),
  SPANLEDGER_PRICES: z
    .string()
    .optional()
    .describe('JSON file of prices for all projects, before those of the catalogue'),
  SPANLEDGER_REMEMBER_TRACES: z
    .enum(['all', 'parts'])
    .default('all')
    .describe(
      'of which traces messages are settled with each other for a day: `all` that report usage, or only those that come in `parts`',
    ),
  SPANLEDGER_FORWARD_URL: z.string().url().optional().describe('OTLP/HTTP endpoint that gets a copy of every span'),
  SPANLEDGER_FORWARD_HEADERS: z.string().default('').describe('headers for it: key=value,key=value'),
  SPANLEDGER_GCP_PROJECT: z.string().default('').describe('on Google Cloud: the project that holds everything'),
  SPANLEDGER_GCP_PREFIX: z
    .string()
    .default('spanledger')
    .describe('on Google Cloud: what the names of topics and subscriptions start with'),
  SPANLEDGER_GCP_DATASET: z.string().default('spanledger').describe('on Google Cloud: the BigQuery dataset'),
  SPANLEDGER_GCP_BUCKET: z.string().default('').describe('on Google Cloud: the bucket of the lake'),
  SPANLEDGER_GCP_DATABASE: z
    .string()
    .default('(default)')
    .describe('on Google Cloud: the Firestore database of keys and budgets'),
  SPANLEDGER_GCP_MAX_QUERY_BYTES: bytes
    .default(20 * 1024 ** 3)
    .describe('on Google Cloud: what one query of BigQuery may be billed for; one that would read more is refused'),
  SPANLEDGER_FIRST_KEY: z
    .string()
    .optional()
    .describe('on Google Cloud: an API key of the project `default` that holds until it is revoked'),
  SPANLEDGER_FORWARD_PROJECTS: z.string().default('').describe('projects to forward, comma-separated; all if empty'),
  SPANLEDGER_REQUIRE_KEYS: flag.describe('demand API keys on loopback too, even before one is made'),
})

export type Config = z.infer<typeof schema>

/** The variables with their defaults and meaning, for the documentation. */
export const CONFIG_SHAPE = schema.shape

/** Reads the environment; throws `config/invalid` naming every variable that is wrong. */
export function readConfig(env: Record<string, string | undefined> = process.env): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''))
  const result = schema.safeParse(given)
  if (result.success) return result.data
  const problems = describeIssues(result.error).map(({ parameter, detail }) => `${parameter}: ${detail}`)
  throw new SpanledgerError('config/invalid', problems.join('; '))
}

/** What commands read besides. */
const OTHERS = /^SPANLEDGER_(?:KEY$|DEPLOYMENT$|TEST_)/

/** Names of the environment that look like settings and are none: misspelt, most likely. */
export function unknownSettings(env: Record<string, string | undefined> = process.env): string[] {
  return Object.keys(env).filter(
    (name) => name.startsWith('SPANLEDGER_') && !Object.hasOwn(schema.shape, name) && !OTHERS.test(name),
  )
}
