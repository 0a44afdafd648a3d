WITH written AS (
  SELECT * FROM `my-project.spanledger.spans` WHERE project_id = @p0 AND start_time >= CAST(@p1 AS TIMESTAMP) AND start_time < CAST(@p2 AS TIMESTAMP)
  QUALIFY ROW_NUMBER() OVER (PARTITION BY trace_id, span_id ORDER BY end_time_ns DESC, digest DESC) = 1
), latest AS (
  SELECT * FROM `my-project.spanledger.corrections` WHERE project_id = @p3
  QUALIFY ROW_NUMBER() OVER (PARTITION BY trace_id, span_id ORDER BY ledger_revision DESC, ledger DESC) = 1
), current_spans AS (
  SELECT w.project_id, w.trace_id, w.span_id, w.parent_span_id, w.name, w.kind, w.service_name, w.start_time_ns AS start_time, w.end_time_ns AS end_time, w.duration_ns, w.status, w.status_message, IF(c.span_id IS NULL, w.gen_ai_operation, c.gen_ai_operation) AS gen_ai_operation, IF(c.span_id IS NULL, w.gen_ai_provider, c.gen_ai_provider) AS gen_ai_provider, IF(c.span_id IS NULL, w.gen_ai_model, c.gen_ai_model) AS gen_ai_model, IF(c.span_id IS NULL, w.gen_ai_input_tokens, c.gen_ai_input_tokens) AS gen_ai_input_tokens, IF(c.span_id IS NULL, w.gen_ai_output_tokens, c.gen_ai_output_tokens) AS gen_ai_output_tokens, IF(c.span_id IS NULL, w.gen_ai_total_tokens, c.gen_ai_total_tokens) AS gen_ai_total_tokens, IF(c.span_id IS NULL, w.gen_ai_cache_read_tokens, c.gen_ai_cache_read_tokens) AS gen_ai_cache_read_tokens, IF(c.span_id IS NULL, w.gen_ai_cache_write_tokens, c.gen_ai_cache_write_tokens) AS gen_ai_cache_write_tokens, IF(c.span_id IS NULL, w.gen_ai_reasoning_tokens, c.gen_ai_reasoning_tokens) AS gen_ai_reasoning_tokens, IF(c.span_id IS NULL, w.gen_ai_cost_usd, c.gen_ai_cost_usd) AS gen_ai_cost_usd, IF(c.span_id IS NULL, w.cost_pico_usd, c.cost_pico_usd) AS cost_pico_usd, IF(c.span_id IS NULL, w.cost_status, c.cost_status) AS cost_status, IF(c.span_id IS NULL, w.price_version, c.price_version) AS price_version, IF(c.span_id IS NULL, w.receipt, c.receipt) AS receipt, IF(c.span_id IS NULL, w.user_id, c.user_id) AS user_id, IF(c.span_id IS NULL, w.session_id, c.session_id) AS session_id, IF(c.span_id IS NULL, w.environment, c.environment) AS environment, w.attributes, w.resource_attributes, w.events, w.links, w.scope_name, w.scope_version, w.ingested_at_ns AS ingested_at, w.digest, w.attribute_kinds, w.resource_attribute_kinds, w.trace_state, w.flags, w.envelope, IF(c.span_id IS NULL, w.gen_ai_request_model, c.gen_ai_request_model) AS gen_ai_request_model, IF(c.span_id IS NULL, w.gen_ai_agent_name, c.gen_ai_agent_name) AS gen_ai_agent_name, IF(c.span_id IS NULL, w.gen_ai_tool_name, c.gen_ai_tool_name) AS gen_ai_tool_name, IF(c.span_id IS NULL, w.gen_ai_dialect, c.gen_ai_dialect) AS gen_ai_dialect, IF(c.span_id IS NULL, w.cost_lower_pico_usd, c.cost_lower_pico_usd) AS cost_lower_pico_usd, IF(c.span_id IS NULL, w.cost_upper_pico_usd, c.cost_upper_pico_usd) AS cost_upper_pico_usd, IF(c.span_id IS NULL, w.reported_cost_pico_usd, c.reported_cost_pico_usd) AS reported_cost_pico_usd, IF(c.span_id IS NULL, w.ledger_revision, c.ledger_revision) AS ledger_revision, w.span_bytes, w.key_id
  FROM written AS w LEFT JOIN latest AS c ON c.trace_id = w.trace_id AND c.span_id = w.span_id
)
, matching AS (
  SELECT DISTINCT trace_id FROM current_spans WHERE project_id = @p4 AND start_time >= @p5 AND start_time < @p6 AND user_id IN (@p7, @p8) AND EXISTS (SELECT 1 FROM UNNEST(attributes) AS a WHERE a.key = @p9 AND a.value = @p10)
), totals AS (
  SELECT trace_id, min(start_time) AS start_nanos, max(end_time) AS end_nanos,
    CASE WHEN max(end_time) > min(start_time) THEN max(end_time) - min(start_time) ELSE 0 END AS duration,
    count(*) AS span_count, SUM(CAST(cost_pico_usd AS NUMERIC)) AS cost
  FROM current_spans WHERE project_id = @p11 AND trace_id IN (SELECT trace_id FROM matching)
  GROUP BY trace_id
), page AS (
  SELECT * FROM totals WHERE 1 = 1 ORDER BY coalesce(cost, CAST(@p12 AS NUMERIC)) DESC, trace_id DESC LIMIT @p13
), ranked AS (
  SELECT *, row_number() OVER (PARTITION BY trace_id ORDER BY parent_span_id <> '', start_time, span_id) AS root_rank,
    row_number() OVER (PARTITION BY trace_id ORDER BY user_id = '', parent_span_id <> '', start_time, span_id) AS user_rank,
    row_number() OVER (PARTITION BY trace_id ORDER BY session_id = '', parent_span_id <> '', start_time, span_id) AS session_rank,
    dense_rank() OVER (PARTITION BY trace_id ORDER BY gen_ai_model) AS model_rank
  FROM current_spans WHERE project_id = @p14 AND trace_id IN (SELECT trace_id FROM page)
), details AS (
  SELECT trace_id, max(CASE WHEN root_rank = 1 THEN CASE WHEN length(name) > 1024 THEN substr(name, 1, 1024) ELSE name END END) AS name,
    max(CASE WHEN root_rank = 1 THEN service_name END) AS service_name,
    max(CASE WHEN root_rank = 1 THEN status END) AS root_status,
    max(CASE WHEN user_rank = 1 THEN user_id END) AS user_id,
    max(CASE WHEN session_rank = 1 THEN session_id END) AS session_id,
    COUNTIF(status = 'ERROR') AS error_count,
    COUNTIF(cost_status IN ('unpriced', 'ambiguous')) AS unknown_costs,
    IF(COUNTIF(told_model <> '') = 0, '[]', TO_JSON_STRING(ARRAY_AGG(DISTINCT NULLIF(told_model, '') IGNORE NULLS))) AS models, SUM(CAST(gen_ai_input_tokens AS NUMERIC)) AS input_tokens, SUM(CAST(gen_ai_output_tokens AS NUMERIC)) AS output_tokens, SUM(CAST(gen_ai_total_tokens AS NUMERIC)) AS total_tokens, SUM(CAST(gen_ai_cache_read_tokens AS NUMERIC)) AS cache_read_tokens, SUM(CAST(gen_ai_cache_write_tokens AS NUMERIC)) AS cache_write_tokens, SUM(CAST(gen_ai_reasoning_tokens AS NUMERIC)) AS reasoning_tokens
  FROM (SELECT *, CASE WHEN model_rank <= 101 THEN gen_ai_model ELSE '' END AS told_model FROM ranked) AS told GROUP BY trace_id
)
SELECT * FROM page JOIN details USING (trace_id) ORDER BY coalesce(cost, CAST(@p15 AS NUMERIC)) DESC, trace_id DESC LIMIT @p16
