import { addUsage, emptyUsage, type Usage, unexplained } from '../genai/usage.ts'

/** A span with a usage, as far as the rollup is concerned. */
export interface RollupNode {
  /** Position of the nearest node above it whose usage it may explain; -1 where there is none. */
  readonly parent: number
  readonly usage: Usage
  /** Bills nothing as soon as it has any node below it. */
  readonly summary: boolean
}

/**
 * What each node bills itself: its usage less what the nodes below it account for. The sum over a tree is the most that
 * any cut through it reports, however deep it nests, and does not depend on the order of the nodes. Nodes in a cycle of
 * parents explain nothing and bill what they report.
 */
export function rollUp(nodes: readonly RollupNode[]): readonly Usage[] {
  const billed: Usage[] = nodes.map(({ usage }) => usage)
  if (nodes.length < 2) return billed
  const below: (number[] | undefined)[] = new Array(nodes.length)
  const waiting: number[] = nodes.map(() => 0)
  for (const { parent } of nodes) if (parent >= 0) waiting[parent]!++
  const ready: number[] = []
  for (let i = 0; i < nodes.length; i++) if (waiting[i] === 0) ready.push(i)

  for (let next = ready.pop(); next !== undefined; next = ready.pop()) {
    const { parent, usage, summary } = nodes[next]!
    const explained = below[next]
    if (explained !== undefined) billed[next] = summary ? emptyUsage() : unexplained(usage, explained)
    if (parent < 0) continue
    below[parent] ??= emptyUsage()
    addUsage(below[parent], billed[next]!)
    if (explained !== undefined) addUsage(below[parent], explained)
    if (--waiting[parent]! === 0) ready.push(parent)
  }
  return billed
}
