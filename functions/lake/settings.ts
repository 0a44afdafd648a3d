import type { Config } from '../../shared/config.ts'
import type { RetentionPolicy } from '../../shared/lake/retention.ts'
import type { LakeWindow } from '../../shared/lake/writer.ts'

type WindowSetting = 'SPANLEDGER_LAKE_PAST_DAYS' | 'SPANLEDGER_LAKE_FUTURE_DAYS'

/** Beyond which times spans are quarantined. */
export function lakeWindow(config: Pick<Config, WindowSetting>): LakeWindow {
  return { pastDays: config.SPANLEDGER_LAKE_PAST_DAYS, futureDays: config.SPANLEDGER_LAKE_FUTURE_DAYS }
}

/** For how long the lake keeps what. */
export function retentionPolicy(config: Pick<Config, 'SPANLEDGER_LAKE_RETENTION'>): RetentionPolicy {
  const [days, ...projects] = config.SPANLEDGER_LAKE_RETENTION.split(',')
  const named = projects
    .map((text) => text.split('='))
    .map(([name = '', days]) => [name.trim(), keepDays(Number(days))])
  return { days: keepDays(Number(days)), projects: Object.fromEntries(named) }
}

/** Nobody wants to keep spans for 0 days: it says that they are kept forever. */
export function keepDays(days: number): number {
  return days === 0 ? Number.POSITIVE_INFINITY : days
}
