import type { Config } from '../../shared/config.ts'
import type { RetentionPolicy } from '../../shared/lake/retention.ts'
import type { LakeWindow } from '../../shared/lake/writer.ts'

type WindowSetting = 'SPANLEDGER_LAKE_PAST_DAYS' | 'SPANLEDGER_LAKE_FUTURE_DAYS'
type RetentionSetting = 'SPANLEDGER_LAKE_RETENTION_DAYS' | 'SPANLEDGER_LAKE_RETENTION_PROJECTS'

/** Beyond which times spans are quarantined. */
export function lakeWindow(config: Pick<Config, WindowSetting>): LakeWindow {
  return { pastDays: config.SPANLEDGER_LAKE_PAST_DAYS, futureDays: config.SPANLEDGER_LAKE_FUTURE_DAYS }
}

/** For how long the lake keeps what. */
export function retentionPolicy(config: Pick<Config, RetentionSetting>): RetentionPolicy {
  const projects = config.SPANLEDGER_LAKE_RETENTION_PROJECTS.split(',').filter((text) => text.trim() !== '')
  return {
    days: keepDays(config.SPANLEDGER_LAKE_RETENTION_DAYS),
    projects: Object.fromEntries(
      projects.map((text) => {
        const [name = '', days] = text.split('=')
        return [name.trim(), keepDays(Number(days))]
      }),
    ),
  }
}

/** Nobody wants to keep spans for 0 days: it says that they are kept forever. */
export function keepDays(days: number): number {
  return days === 0 ? Number.POSITIVE_INFINITY : days
}
