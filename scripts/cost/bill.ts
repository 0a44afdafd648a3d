import type { Usage } from './month.ts'
import { PRICES, UNITS, type Unit } from './prices.ts'

/** One line of a month's bill, in USD. */
export interface Line {
  readonly unit: Unit
  readonly label: string
  readonly quantity: number
  /** At list price, as if nothing were free. */
  readonly listUsd: number
  /** With what is free each month taken off. */
  readonly usd: number
}

/** A month's bill. */
export interface Bill {
  readonly lines: readonly Line[]
  readonly listUsd: number
  readonly usd: number
}

/** What a month's usage costs. */
export function billOf(usage: Usage): Bill {
  const lines = UNITS.map((unit): Line => {
    const { label, usd, per, free } = PRICES[unit]
    const quantity = usage[unit]
    const priced = (amount: number) => (amount / per) * usd
    return { unit, label, quantity, listUsd: priced(quantity), usd: priced(Math.max(0, quantity - free)) }
  })
  const total = (of: 'listUsd' | 'usd') => lines.reduce((sum, line) => sum + line[of], 0)
  return { lines, listUsd: total('listUsd'), usd: total('usd') }
}
