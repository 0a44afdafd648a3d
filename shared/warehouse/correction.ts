import { attributesFromOtlpJson, attributesToOtlpJson } from '../spans/attribute-text.ts'
import { type Ledger, LedgerBuilder, ledgerAttributes } from '../spans/ledger.ts'

/** A ledger as the table `corrections` keeps it. */
export interface Correction {
  readonly revision: bigint
  /** JSON text. */
  readonly ledger: string
}

/** What is kept of a corrected ledger. */
export function toCorrection(ledger: Ledger): Correction {
  return { revision: BigInt(ledger.revision), ledger: JSON.stringify(attributesToOtlpJson(ledgerAttributes(ledger))) }
}

/** The inverse of {@link toCorrection}. */
export function correctedLedger({ ledger }: Correction): Ledger {
  const builder = new LedgerBuilder()
  for (const [key, value] of attributesFromOtlpJson(JSON.parse(ledger))) builder.set(key, value)
  return builder.take()
}

/** Whether `correction` holds rather than `other`: the later one, and of two at once the same one in any order. */
export function supersedes(correction: Correction, other: Correction | undefined): boolean {
  if (other === undefined) return true
  if (correction.revision !== other.revision) return correction.revision > other.revision
  return correction.ledger > other.ledger
}
