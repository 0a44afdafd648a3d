CREATE TABLE IF NOT EXISTS spans (
  project_id VARCHAR,
  trace_id VARCHAR,
  span_id VARCHAR,
  parent_span_id VARCHAR,
  name VARCHAR,
  kind VARCHAR,
  service_name VARCHAR,
  start_time TIMESTAMP_NS,
  end_time TIMESTAMP_NS,
  duration_ns BIGINT,
  status VARCHAR,
  status_message VARCHAR,
  gen_ai_operation VARCHAR,
  gen_ai_provider VARCHAR,
  gen_ai_model VARCHAR,
  gen_ai_input_tokens BIGINT,
  gen_ai_output_tokens BIGINT,
  gen_ai_total_tokens BIGINT,
  gen_ai_cache_read_tokens BIGINT,
  gen_ai_cache_write_tokens BIGINT,
  gen_ai_reasoning_tokens BIGINT,
  gen_ai_cost_usd DOUBLE,
  cost_pico_usd BIGINT,
  cost_status VARCHAR,
  price_version VARCHAR,
  receipt VARCHAR,
  user_id VARCHAR,
  session_id VARCHAR,
  environment VARCHAR,
  attributes STRUCT("key" VARCHAR, "value" VARCHAR)[],
  resource_attributes STRUCT("key" VARCHAR, "value" VARCHAR)[],
  events VARCHAR,
  links VARCHAR,
  scope_name VARCHAR,
  scope_version VARCHAR,
  ingested_at TIMESTAMP_NS,
  digest VARCHAR,
  attribute_kinds VARCHAR,
  resource_attribute_kinds VARCHAR,
  trace_state VARCHAR,
  flags BIGINT,
  envelope VARCHAR,
  gen_ai_request_model VARCHAR,
  gen_ai_agent_name VARCHAR,
  gen_ai_tool_name VARCHAR,
  gen_ai_dialect VARCHAR,
  cost_lower_pico_usd BIGINT,
  cost_upper_pico_usd BIGINT,
  reported_cost_pico_usd BIGINT,
  ledger_revision BIGINT,
  span_bytes BIGINT,
  key_id VARCHAR,
  span_key BIGINT,
  large_parts INTEGER
);

CREATE TABLE IF NOT EXISTS large_spans (
  span_key BIGINT,
  digest VARCHAR,
  trace_id VARCHAR,
  span_id VARCHAR,
  part INTEGER,
  data BLOB USING COMPRESSION uncompressed
);

CREATE TABLE IF NOT EXISTS batches (
  digest VARCHAR,
  project_id VARCHAR,
  spans BIGINT,
  stored BIGINT,
  duplicates BIGINT,
  ingested_at TIMESTAMP_NS
);

CREATE TABLE IF NOT EXISTS corrections (
  project_id VARCHAR,
  trace_id VARCHAR,
  span_id VARCHAR,
  revision BIGINT,
  ledger VARCHAR,
  span_key BIGINT
);

CREATE OR REPLACE VIEW spans_unique AS
SELECT project_id, trace_id, span_id, parent_span_id, name, kind, service_name, start_time, end_time, duration_ns, status, status_message, gen_ai_operation, gen_ai_provider, gen_ai_model, gen_ai_input_tokens, gen_ai_output_tokens, gen_ai_total_tokens, gen_ai_cache_read_tokens, gen_ai_cache_write_tokens, gen_ai_reasoning_tokens, gen_ai_cost_usd, cost_pico_usd, cost_status, price_version, receipt, user_id, session_id, environment, attributes, resource_attributes, events, links, scope_name, scope_version, ingested_at, digest, attribute_kinds, resource_attribute_kinds, trace_state, flags, envelope, gen_ai_request_model, gen_ai_agent_name, gen_ai_tool_name, gen_ai_dialect, cost_lower_pico_usd, cost_upper_pico_usd, reported_cost_pico_usd, ledger_revision, span_bytes, key_id
FROM spans;

CREATE OR REPLACE VIEW daily_costs AS
SELECT project_id,
  CAST(start_time AS DATE) AS day,
  gen_ai_provider,
  gen_ai_model,
  count(*) FILTER (WHERE (gen_ai_operation <> '' OR gen_ai_model <> '')
    AND gen_ai_operation NOT IN ('execute_tool', 'invoke_agent', 'create_agent', 'invoke_workflow', 'agent_step', 'retrieval', 'evaluate', 'guardrail', 'usage_summary')) AS calls,
  count(*) FILTER (WHERE status = 'ERROR' AND (gen_ai_operation <> '' OR gen_ai_model <> '')
    AND gen_ai_operation NOT IN ('execute_tool', 'invoke_agent', 'create_agent', 'invoke_workflow', 'agent_step', 'retrieval', 'evaluate', 'guardrail', 'usage_summary')) AS errors,
  sum(gen_ai_input_tokens) AS input_tokens,
  sum(gen_ai_output_tokens) AS output_tokens,
  sum(cost_pico_usd) AS cost_pico_usd,
  CAST(sum(cost_pico_usd) AS DOUBLE) / 1e12 AS cost_usd,
  count(*) FILTER (WHERE cost_status IN ('unpriced', 'ambiguous')) AS unknown_costs
FROM spans_unique
WHERE (gen_ai_model <> '' OR cost_status <> 'no_usage') AND cost_status <> 'rollup'
GROUP BY 1, 2, 3, 4;

CREATE OR REPLACE VIEW model_costs AS
SELECT project_id,
  gen_ai_provider,
  gen_ai_model,
  min(start_time) AS first_seen,
  max(start_time) AS last_seen,
  count(*) FILTER (WHERE (gen_ai_operation <> '' OR gen_ai_model <> '')
    AND gen_ai_operation NOT IN ('execute_tool', 'invoke_agent', 'create_agent', 'invoke_workflow', 'agent_step', 'retrieval', 'evaluate', 'guardrail', 'usage_summary')) AS calls,
  count(*) FILTER (WHERE status = 'ERROR' AND (gen_ai_operation <> '' OR gen_ai_model <> '')
    AND gen_ai_operation NOT IN ('execute_tool', 'invoke_agent', 'create_agent', 'invoke_workflow', 'agent_step', 'retrieval', 'evaluate', 'guardrail', 'usage_summary')) AS errors,
  sum(gen_ai_input_tokens) AS input_tokens,
  sum(gen_ai_output_tokens) AS output_tokens,
  sum(cost_pico_usd) AS cost_pico_usd,
  CAST(sum(cost_pico_usd) AS DOUBLE) / 1e12 AS cost_usd,
  count(*) FILTER (WHERE cost_status IN ('unpriced', 'ambiguous')) AS unknown_costs
FROM spans_unique
WHERE (gen_ai_model <> '' OR cost_status <> 'no_usage') AND cost_status <> 'rollup'
GROUP BY 1, 2, 3;
