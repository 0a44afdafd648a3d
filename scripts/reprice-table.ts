import { rate, rateText } from '../shared/pricing/money.ts'
import type { Change, RepriceReport } from './reprice.ts'

const PICO = 1_000_000_000_000n

/** A report as lines for a terminal: by model, by user and by day, and the sum. */
export function formatTable({ spans, skipped, changes }: RepriceReport): string {
  const lines = [`${spans} spans looked at, ${changes.reduce((sum, change) => sum + change.spans, 0)} change`]
  if (skipped > 0) lines.push(`${skipped} traces are too large to be repriced and were left as they are`)
  for (const by of ['model', 'user', 'day'] as const) {
    const groups = Map.groupBy(changes, (change) => change[by])
    if (groups.size === 0) continue
    lines.push('', `by ${by}`)
    for (const [name, group] of [...groups].toSorted(([a], [b]) => (a < b ? -1 : 1))) lines.push(formatRow(name, group))
  }
  if (changes.length > 0) lines.push('', formatRow('all', changes))
  return lines.join('\n')
}

function formatRow(name: string, changes: readonly Change[]): string {
  const sum = (of: (change: Change) => bigint) => changes.reduce((total, change) => total + of(change), 0n)
  const before = sum((change) => change.before)
  const after = sum((change) => change.after)
  const spans = changes.reduce((total, change) => total + change.spans, 0)
  const unknown = [
    changes.reduce((total, change) => total + change.unknownBefore, 0),
    changes.reduce((total, change) => total + change.unknownAfter, 0),
  ]
  const known = `${usd(before)} → ${usd(after)} USD (${after >= before ? '+' : ''}${usd(after - before)})`
  return `  ${name || '(none)'}  ${spans} spans  ${known}  without a price: ${unknown.join(' → ')}`
}

/** Exact, to the last of twelve decimals. */
function usd(pico: bigint): string {
  return pico < 0n ? `-${usd(-pico)}` : rateText(rate(pico, PICO))
}
