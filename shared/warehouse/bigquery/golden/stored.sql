SELECT COUNT(*) AS spans FROM (
  SELECT DISTINCT trace_id, span_id FROM `my-project.spanledger.spans`
  WHERE project_id = @p0 AND start_time >= CAST(@p1 AS TIMESTAMP) AND start_time < CAST(@p2 AS TIMESTAMP)
)
