import type { KeyStore } from '../auth/key-store.ts'
import type { BudgetLedger } from '../budgets/ledger.ts'
import type { Bus } from '../bus/bus.ts'
import type { Config } from '../config.ts'
import type { ObjectStore } from '../lake/object-store.ts'
import type { TraceStore } from '../warehouse/trace-store.ts'
import { requireCredentials, requireSettings } from './google-access.ts'

/**
 * Where the adapters of the ports come from. A function asks for the ones it needs, once, when it starts; it never knows
 * which platform it is on. Opening rejects with `config/invalid` or the port's own `unavailable` code.
 */
export interface Platform {
  openBus(): Promise<Bus>
  openTraceStore(): Promise<TraceStore>
  openObjectStore(): Promise<ObjectStore>
  openBudgetLedger(): Promise<BudgetLedger>
  openKeyStore(): Promise<KeyStore>
}

/** The platform that `SPANLEDGER_PLATFORM` names. Loads only that platform's clients. Rejects with `config/invalid` where it cannot be reached so. */
export async function openPlatform(config: Config): Promise<Platform> {
  if (config.SPANLEDGER_PLATFORM === 'gcp') {
    requireSettings(config, 'SPANLEDGER_GCP_PROJECT')
    await requireCredentials()
    return (await import('./gcp.ts')).createGcpPlatform(config)
  }
  return (await import('./local.ts')).createLocalPlatform(config)
}
