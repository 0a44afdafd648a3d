SELECT
  (SELECT SUM(spans) FROM (SELECT digest, MAX(spans) AS spans FROM `my-project.spanledger.batches`
    WHERE project_id = @p0 GROUP BY digest)) AS received,
  (SELECT COUNT(*) FROM (SELECT DISTINCT trace_id, span_id FROM `my-project.spanledger.spans`
    WHERE project_id = @p1 AND start_time >= CAST(@p2 AS TIMESTAMP))) AS stored
