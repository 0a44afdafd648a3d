import { addCounts, type FileFacts, type MergedFiles, type ProjectCounts } from './format.ts'

/** Whether `drop` has every project of which there are rows: then none need be read. */
export function isEmptied(facts: readonly FileFacts[], drop: ReadonlySet<string>): boolean {
  return facts.every(({ projects }) =>
    Object.entries(projects).every(([project, { rows }]) => rows === 0 || drop.has(project)),
  )
}

/** What a merged file says of itself, from what its inputs said and what is left of them. */
export function mergeFacts(
  facts: readonly FileFacts[],
  merged: Pick<MergedFiles, 'rows'>,
  drop: ReadonlySet<string>,
): FileFacts {
  const digests = new Set<string>()
  const before = new Map<string, ProjectCounts>()
  for (const file of facts) {
    for (const digest of file.digests) digests.add(digest)
    addCounts(before, file.projects)
  }
  const after = Array.from(before, ([project, counts]): [string, ProjectCounts] => {
    if (drop.has(project)) return [project, { ...counts, rows: 0, expired: counts.expired + counts.rows }]
    const rows = merged.rows.get(project) ?? 0
    return [project, { ...counts, rows, duplicates: counts.duplicates + counts.rows - rows }]
  })
  return { digests: [...digests], projects: Object.fromEntries(after) }
}
