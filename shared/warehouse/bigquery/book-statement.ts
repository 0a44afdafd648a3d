import { type Sql, sql } from '../sql/statement.ts'
import { type Dataset, table } from './scope.ts'
import { timestamp } from './timestamp.ts'

/**
 * What the books say of a project, by kind, subscription and reason. A message counts once however often it was entered, with
 * all its parts: their digests begin with its own. One that the warehouse has was taken, though its record may not have come yet;
 * of a message that was given up and replayed, the later holds.
 */
export function bookStatement(project: string, dataset: Dataset): Sql {
  const ever = timestamp(0n)
  return sql`WITH own AS (
  SELECT kind, digest, spans, subscription, reason, recorded_at FROM ${table(dataset, 'books')}
  WHERE project_id = ${project} AND recorded_at >= CAST(${ever} AS TIMESTAMP)
), taken AS (
  SELECT digest, MAX(spans) AS spans FROM own WHERE kind = 'accepted' GROUP BY digest
), parts AS (
  SELECT SUBSTR(digest, 1, 64) AS digest, MAX(spans) AS spans FROM ${table(dataset, 'batches')} AS b
  WHERE b.project_id = ${project} AND b.ingested_at >= CAST(${ever} AS TIMESTAMP) GROUP BY b.digest
), stored AS (
  SELECT digest, SUM(spans) AS spans FROM parts GROUP BY digest
), refused AS (
  SELECT digest, reason, MAX(spans) AS spans FROM own WHERE kind = 'rejected' GROUP BY digest, reason
), fates AS (
  SELECT kind, subscription, reason, spans FROM own WHERE kind IN ('dead', 'replayed')
  QUALIFY ROW_NUMBER() OVER (PARTITION BY subscription, digest ORDER BY recorded_at DESC, kind DESC) = 1
)
SELECT 'accepted' AS kind, '' AS subscription, '' AS reason,
  SUM(GREATEST(COALESCE(taken.spans, 0), COALESCE(stored.spans, 0))) AS spans
FROM taken FULL JOIN stored ON taken.digest = stored.digest
UNION ALL
SELECT 'rejected' AS kind, '' AS subscription, reason, SUM(spans) AS spans FROM refused GROUP BY reason
UNION ALL
SELECT 'dead' AS kind, subscription, reason, SUM(spans) AS spans FROM fates WHERE kind = 'dead'
GROUP BY subscription, reason`
}
