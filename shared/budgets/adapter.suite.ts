import { administrationSuite } from './administration.suite.ts'
import { leaseSuite } from './lease.suite.ts'
import { type LedgerSuiteOptions, ledgerSuite } from './ledger.suite.ts'
import { lessonsSuite } from './lessons.suite.ts'
import { reservationSuite } from './reservation.suite.ts'
import { resetSuite } from './reset.suite.ts'

/** All that every adapter of the ledger must do. */
export function adapterSuite(name: string, options: LedgerSuiteOptions): void {
  administrationSuite(name, options)
  ledgerSuite(name, options)
  leaseSuite(name, options)
  lessonsSuite(name, options)
  reservationSuite(name, options)
  resetSuite(name, options)
}
