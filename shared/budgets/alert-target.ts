import { createHash } from 'node:crypto'
import { SpanledgerError } from '../errors.ts'
import type { AlertTarget } from './budget.ts'

/**
 * How the URL of a target is shown: paths and queries of webhooks, Slack's and others', are secrets by which anyone may post. The end
 * tells two apart, and is taken for the URL itself where it is sent back.
 */
export function shownUrl(url: string): string {
  const { origin, pathname, search, username } = new URL(url)
  if (pathname === '/' && search === '' && username === '') return url
  return `${origin}/...${createHash('sha256').update(url).digest('hex').slice(0, 8)}`
}

/**
 * `targets` as given, each with the URL and the secret that it had where it names them by what is shown, or not at all. Throws
 * `budget/invalid` where what is shown is not one of `former`.
 */
export function keepSecrets(targets: readonly AlertTarget[], former: readonly AlertTarget[]): AlertTarget[] {
  return targets.map((target) => {
    const kept = former.find(({ url }) => url === target.url || shownUrl(url) === target.url)
    if (kept === undefined && SHOWN.test(target.url))
      throw new SpanledgerError('budget/invalid', 'alerts: a URL is shortened, and none of the budget; give the whole')
    return { ...target, url: kept?.url ?? target.url, secret: target.secret || (kept?.secret ?? '') }
  })
}

/** What {@link shownUrl} makes. */
const SHOWN = /^https?:\/\/[^/]+\/\.\.\.[0-9a-f]{8}$/
