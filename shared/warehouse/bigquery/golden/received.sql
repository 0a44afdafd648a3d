SELECT SUM(spans) AS spans FROM (
  SELECT digest, MAX(spans) AS spans FROM `my-project.spanledger.batches` WHERE project_id = @p0 GROUP BY digest
)
