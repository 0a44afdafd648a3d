import type { Subscription } from '../bus/bus.ts'
import type { QueueAdmin } from '../bus/sqlite/backlog.ts'

/** What spans pass on their way to budgets and warehouse. */
const HOPS: readonly Subscription[] = ['price', 'budget', 'warehouse']

/**
 * Whether nothing of a project is on its way to budgets or warehouse, and nothing dead to the warehouse: then what one of the two has
 * and the other has not is no span that comes later.
 */
export function createIdleCheck(admin: Pick<QueueAdmin, 'backlog'>): (project: string) => Promise<boolean> {
  return async (project) => {
    const waiting = HOPS.some((hop) => admin.backlog(project, hop).messages > 0)
    return !waiting && Object.keys(admin.backlog(project, 'warehouse').dead).length === 0
  }
}
