import { createAlert } from '../alert.ts'
import type { Rule } from '../charge.ts'
import type { Alert } from '../ledger.ts'
import { reachedThresholds } from '../position.ts'
import { type BudgetState, balanceOf } from './documents.ts'
import type { Shelf } from './project.ts'
import type { Workspace } from './workspace.ts'

const MAX_NOTED = 10_000
/** For how long alerts are looked for after a threshold was reached here, and how often else, in milliseconds. */
const LOOK_MS = 60_000
/** How long whoever raised an alert has to publish it before another does, in milliseconds: longer, and it has ended in between. */
const LEAVE_MS = 10_000

/**
 * Notes every threshold that spend in the bucket at `start` has reached, together with what reached it. Its document is created once, which
 * makes an alert unique, so that any number of instances may notice it.
 */
export async function raiseAlerts(
  workspace: Workspace,
  { collections, now, noted, alerting }: Shelf,
  { state, rule, start }: { readonly state: BudgetState; readonly rule: Rule; readonly start: number },
): Promise<void> {
  const { budget, calendar } = rule
  if (budget.thresholds.length === 0 || state.deleted) return
  const rolling = typeof budget.period === 'object'
  const at = rolling ? now() : Math.min(Math.max(now(), start), calendar.window(start).end - 1)
  const { position } = balanceOf(state, rule, now(), at)
  for (const threshold of reachedThresholds(budget.thresholds, position)) {
    const alert = createAlert(budget, position, threshold, now())
    if (noted.has(alert.id)) continue
    alerting.raisedAt = now()
    const ref = collections.alerts.doc(alert.id)
    if ((await workspace.get(ref)) === undefined) {
      const { spent, allowance, ...rest } = alert
      const body = { ...rest, spent: spent.toString(), allowance: allowance.toString() }
      workspace.put(ref, { body: JSON.stringify(body), published: false, at: alert.at })
      remember(alerting.raised, alert.id)
      continue
    }
    remember(noted, alert.id)
  }
}

function remember(ids: Set<string>, id: string): void {
  if (ids.size >= MAX_NOTED) ids.clear()
  ids.add(id)
}

/**
 * Alerts that have not been published. What another instance raised is left to it for a while, and may be a minute
 * late: a look that finds nothing is billed, and is not repeated for as long unless a threshold was reached here.
 */
export async function dueAlerts({ collections, now, alerting }: Shelf, limit: number): Promise<Alert[]> {
  const at = now()
  if (at - alerting.raisedAt >= LOOK_MS && Math.abs(at - alerting.nothingAt) < LOOK_MS) return []
  const { docs } = await collections.alerts.where('published', '==', false).limit(limit).get()
  alerting.nothingAt = docs.length === 0 ? at : 0
  return docs
    .map((document) => {
      const alert = JSON.parse(String(document.get('body')))
      return { ...alert, spent: BigInt(alert.spent), allowance: BigInt(alert.allowance) } as Alert
    })
    .filter((alert) => alerting.raised.has(alert.id) || at - alert.at >= LEAVE_MS)
    .sort((a, b) => a.at - b.at || a.threshold - b.threshold)
}

export async function alertsPublished({ collections }: Shelf, ids: readonly string[]): Promise<void> {
  const batch = collections.firestore.batch()
  for (const id of ids) batch.update(collections.alerts.doc(id), { published: true })
  await batch.commit()
}
