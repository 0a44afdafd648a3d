import { createAlert } from '../alert.ts'
import type { Rule } from '../charge.ts'
import type { Alert } from '../ledger.ts'
import { reachedThresholds } from '../position.ts'
import { type Books, readBalance } from './books.ts'

/** Notes every threshold that spend in the bucket at `start` has newly reached, once for each budget and period. */
export function raiseAlerts(books: Books, ref: bigint, rule: Rule, start: number): void {
  const { budget, calendar } = rule
  if (budget.thresholds.length === 0) return
  const rolling = typeof budget.period === 'object'
  const at = rolling ? books.now() : Math.min(Math.max(books.now(), start), calendar.window(start).end - 1)
  const { position } = readBalance(books, ref, rule, at)
  for (const threshold of reachedThresholds(budget.thresholds, position)) {
    const alert = createAlert(budget, position, threshold, books.now())
    books.db.run('INSERT OR IGNORE INTO alerts VALUES (?, ?, ?, 0)', alert.id, alert.at, alertToJson(alert))
  }
}

/** Alerts that have not been published, oldest first. */
export function dueAlerts({ db }: Books, limit: number): Alert[] {
  return db
    .all('SELECT body FROM alerts WHERE published = 0 ORDER BY at, id LIMIT ?', limit)
    .map(({ body }) => alertFromJson(String(body)))
    .sort((a, b) => a.at - b.at || a.threshold - b.threshold)
}

export function alertsPublished({ db }: Books, ids: readonly string[]): void {
  for (const id of ids) db.run('UPDATE alerts SET published = 1 WHERE id = ?', id)
}

function alertToJson(alert: Alert): string {
  return JSON.stringify({ ...alert, spent: alert.spent.toString(), allowance: alert.allowance.toString() })
}

function alertFromJson(text: string): Alert {
  const alert = JSON.parse(text)
  return { ...alert, spent: BigInt(alert.spent), allowance: BigInt(alert.allowance) }
}
