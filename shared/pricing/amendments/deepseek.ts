import type { ListedPeriod } from '../listing.ts'
import type { PriceList } from '../plan.ts'
import { type Amendment, from } from './amendment.ts'

/** 9 to 12 and 14 to 18 o'clock in Beijing, where it is the same day as in UTC. */
const PEAK_HOURS = [
  ['01:00:00Z', '04:00:00Z'],
  ['06:00:00Z', '10:00:00Z'],
] as const

/**
 * Holidays on weekdays from when peak hours are those of working days alone, by the State Council's notice of 2025-11-04. That
 * for 2027 is not in what was read.
 */
const HOLIDAYS = ['2026-09-25', '2026-10-01', '2026-10-02', '2026-10-05', '2026-10-06', '2026-10-07']
const NOT_KNOWN = 'whether that is a holiday in China, when there are no peak hours, is not known here'

const tokens = (input_mtok: number, cache_read_mtok: number, output_mtok: number): PriceList => ({
  input_mtok,
  cache_read_mtok,
  output_mtok,
})

/** Twice the price of other hours: every day, or only on weekdays. */
const peak = (prices: PriceList | string, weekdaysBut?: readonly string[]): ListedPeriod[] =>
  PEAK_HOURS.map(([start_time, end_time]) => ({
    constraint: { type: 'time_of_date', start_time, end_time, ...(weekdaysBut && { weekdaysBut }) },
    prices,
  }))

const FLASH = tokens(0.15, 0.003, 0.6)
const FLASH_PEAK = tokens(0.3, 0.006, 1.2)
const V4_FLASH = tokens(0.22, 0.007, 0.66)
const V4_FLASH_PEAK = tokens(0.44, 0.014, 1.32)
const V4_PRO = tokens(0.66, 0.022, 1.98)
const V4_PRO_PEAK = tokens(1.32, 0.044, 3.96)

const V4_1_FLASH = [...peak(FLASH_PEAK, HOLIDAYS), from('2027-01-01', FLASH), ...peak(NOT_KNOWN, [])]

const PRICING = 'https://api-docs.deepseek.com/quick_start/pricing'
/** Names of DeepSeek-V3.1, of V3.2 and of V4-Flash in turn. */
const OLD_NAMES = [
  from('2025-09-05T16:00:00Z', tokens(0.56, 0.07, 1.68)),
  from('2025-09-29', 'DeepSeek changed its price on that day'),
  from('2025-09-30', tokens(0.28, 0.028, 0.42)),
  from('2026-04-24', 'DeepSeek changed its price on that day'),
  from('2026-04-25', tokens(0.14, 0.028, 0.28)),
  from('2026-04-26T12:15:00Z', tokens(0.14, 0.0028, 0.28)),
]

/** The catalogue has prices that ended in September 2025, begins the peak hours eight hours late, and has them at weekends. */
export const DEEPSEEK: readonly Amendment[] = [
  {
    seller: 'deepseek',
    models: ['deepseek-flash'],
    sources: [PRICING],
    read: '2026-11-15',
    prices: [{ prices: FLASH }, ...V4_1_FLASH],
  },
  {
    seller: 'deepseek',
    models: ['deepseek-v4-flash', 'deepseek-v4-flash-vision-exp'],
    // Two who keep its bills have it change at these two times.
    sources: [
      PRICING,
      'https://apidog.com/jp/blog/deepseek-v4-1-flash-pricing',
      'https://github.com/dshworks/dsh-meter',
    ],
    read: '2026-11-15',
    prices: [
      { prices: tokens(0.14, 0.0028, 0.28) },
      from('2026-08-16T16:00:00Z', V4_FLASH),
      ...peak(V4_FLASH_PEAK),
      from('2026-08-22T16:00:00Z', V4_FLASH),
      ...peak(V4_FLASH_PEAK, HOLIDAYS),
      from('2026-09-09T16:00:00Z', 'at which hour of that day DeepSeek changed its price is not known'),
      from('2026-09-10T04:00:00Z', FLASH),
      ...V4_1_FLASH,
    ],
  },
  {
    seller: 'deepseek',
    models: ['deepseek-v4-pro'],
    sources: [PRICING],
    read: '2026-11-15',
    prices: [
      { prices: tokens(0.435, 0.003625, 0.87) },
      from('2026-08-16T16:00:00Z', V4_PRO),
      ...peak(V4_PRO_PEAK),
      from('2026-08-22T16:00:00Z', V4_PRO),
      ...peak(V4_PRO_PEAK, HOLIDAYS),
      from('2027-01-01', V4_PRO),
      ...peak(NOT_KNOWN, []),
    ],
  },
  {
    seller: 'deepseek',
    models: ['deepseek-chat', 'deepseek-reasoner'],
    sources: [
      PRICING,
      'https://github.com/BerriAI/litellm/pull/29345',
      'https://tokenmix.ai/blog/deepseek-api-pricing',
    ],
    read: '2026-04-30',
    later: OLD_NAMES,
    // Retired: what answers to it since, if anything does, is not known.
    until: '2026-07-24T15:59:00Z',
  },
]
