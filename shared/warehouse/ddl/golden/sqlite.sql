CREATE TABLE IF NOT EXISTS spans (
  project_id TEXT,
  trace_id TEXT,
  span_id TEXT,
  parent_span_id TEXT,
  name TEXT,
  kind TEXT,
  service_name TEXT,
  start_time INTEGER,
  end_time INTEGER,
  duration_ns INTEGER,
  status TEXT,
  status_message TEXT,
  gen_ai_operation TEXT,
  gen_ai_provider TEXT,
  gen_ai_model TEXT,
  gen_ai_input_tokens INTEGER,
  gen_ai_output_tokens INTEGER,
  gen_ai_total_tokens INTEGER,
  gen_ai_cache_read_tokens INTEGER,
  gen_ai_cache_write_tokens INTEGER,
  gen_ai_reasoning_tokens INTEGER,
  gen_ai_cost_usd REAL,
  cost_pico_usd INTEGER,
  cost_status TEXT,
  price_version TEXT,
  receipt TEXT,
  user_id TEXT,
  session_id TEXT,
  environment TEXT,
  attributes TEXT,
  resource_attributes TEXT,
  events TEXT,
  links TEXT,
  scope_name TEXT,
  scope_version TEXT,
  ingested_at INTEGER,
  digest TEXT,
  attribute_kinds TEXT,
  resource_attribute_kinds TEXT,
  trace_state TEXT,
  flags INTEGER,
  envelope TEXT,
  gen_ai_request_model TEXT,
  gen_ai_agent_name TEXT,
  gen_ai_tool_name TEXT,
  gen_ai_dialect TEXT,
  cost_lower_pico_usd INTEGER,
  cost_upper_pico_usd INTEGER,
  reported_cost_pico_usd INTEGER,
  ledger_revision INTEGER,
  span_bytes INTEGER,
  key_id TEXT
);

CREATE TABLE IF NOT EXISTS batches (
  digest TEXT,
  project_id TEXT,
  spans INTEGER,
  stored INTEGER,
  duplicates INTEGER,
  ingested_at INTEGER
);

CREATE TABLE IF NOT EXISTS corrections (
  project_id TEXT,
  trace_id TEXT,
  span_id TEXT,
  revision INTEGER,
  ledger TEXT
);

CREATE UNIQUE INDEX IF NOT EXISTS spans_identity ON spans (trace_id, span_id, project_id);

CREATE INDEX IF NOT EXISTS spans_time ON spans (project_id, start_time);

CREATE UNIQUE INDEX IF NOT EXISTS corrections_identity ON corrections (trace_id, span_id, project_id);

CREATE UNIQUE INDEX IF NOT EXISTS batches_digest ON batches (digest);

DROP VIEW IF EXISTS spans_unique;

CREATE VIEW spans_unique AS
SELECT project_id, trace_id, span_id, parent_span_id, name, kind, service_name, start_time, end_time, duration_ns, status, status_message, gen_ai_operation, gen_ai_provider, gen_ai_model, gen_ai_input_tokens, gen_ai_output_tokens, gen_ai_total_tokens, gen_ai_cache_read_tokens, gen_ai_cache_write_tokens, gen_ai_reasoning_tokens, gen_ai_cost_usd, cost_pico_usd, cost_status, price_version, receipt, user_id, session_id, environment, attributes, resource_attributes, events, links, scope_name, scope_version, ingested_at, digest, attribute_kinds, resource_attribute_kinds, trace_state, flags, envelope, gen_ai_request_model, gen_ai_agent_name, gen_ai_tool_name, gen_ai_dialect, cost_lower_pico_usd, cost_upper_pico_usd, reported_cost_pico_usd, ledger_revision, span_bytes, key_id
FROM spans;

DROP VIEW IF EXISTS daily_costs;

CREATE VIEW daily_costs AS
SELECT project_id,
  date(start_time / 1000000000, 'unixepoch') AS day,
  gen_ai_provider,
  gen_ai_model,
  count(*) FILTER (WHERE (gen_ai_operation <> '' OR gen_ai_model <> '')
    AND gen_ai_operation NOT IN ('execute_tool', 'invoke_agent', 'create_agent', 'invoke_workflow', 'agent_step', 'retrieval', 'evaluate', 'guardrail', 'usage_summary')) AS calls,
  count(*) FILTER (WHERE status = 'ERROR' AND (gen_ai_operation <> '' OR gen_ai_model <> '')
    AND gen_ai_operation NOT IN ('execute_tool', 'invoke_agent', 'create_agent', 'invoke_workflow', 'agent_step', 'retrieval', 'evaluate', 'guardrail', 'usage_summary')) AS errors,
  CASE WHEN count(gen_ai_input_tokens) > 0 THEN coalesce(nullif(ltrim(printf('%d%09d', sum(gen_ai_input_tokens / 1000000000) + sum(gen_ai_input_tokens % 1000000000) / 1000000000, sum(gen_ai_input_tokens % 1000000000) % 1000000000), '0'), ''), '0') END AS input_tokens,
  CASE WHEN count(gen_ai_output_tokens) > 0 THEN coalesce(nullif(ltrim(printf('%d%09d', sum(gen_ai_output_tokens / 1000000000) + sum(gen_ai_output_tokens % 1000000000) / 1000000000, sum(gen_ai_output_tokens % 1000000000) % 1000000000), '0'), ''), '0') END AS output_tokens,
  CASE WHEN count(cost_pico_usd) > 0 THEN coalesce(nullif(ltrim(printf('%d%09d', sum(cost_pico_usd / 1000000000) + sum(cost_pico_usd % 1000000000) / 1000000000, sum(cost_pico_usd % 1000000000) % 1000000000), '0'), ''), '0') END AS cost_pico_usd,
  total(cost_pico_usd) / 1e12 AS cost_usd,
  count(*) FILTER (WHERE cost_status IN ('unpriced', 'ambiguous')) AS unknown_costs
FROM spans_unique
WHERE (gen_ai_model <> '' OR cost_status <> 'no_usage') AND cost_status <> 'rollup'
GROUP BY 1, 2, 3, 4;

DROP VIEW IF EXISTS model_costs;

CREATE VIEW model_costs AS
SELECT project_id,
  gen_ai_provider,
  gen_ai_model,
  min(start_time) AS first_seen,
  max(start_time) AS last_seen,
  count(*) FILTER (WHERE (gen_ai_operation <> '' OR gen_ai_model <> '')
    AND gen_ai_operation NOT IN ('execute_tool', 'invoke_agent', 'create_agent', 'invoke_workflow', 'agent_step', 'retrieval', 'evaluate', 'guardrail', 'usage_summary')) AS calls,
  count(*) FILTER (WHERE status = 'ERROR' AND (gen_ai_operation <> '' OR gen_ai_model <> '')
    AND gen_ai_operation NOT IN ('execute_tool', 'invoke_agent', 'create_agent', 'invoke_workflow', 'agent_step', 'retrieval', 'evaluate', 'guardrail', 'usage_summary')) AS errors,
  CASE WHEN count(gen_ai_input_tokens) > 0 THEN coalesce(nullif(ltrim(printf('%d%09d', sum(gen_ai_input_tokens / 1000000000) + sum(gen_ai_input_tokens % 1000000000) / 1000000000, sum(gen_ai_input_tokens % 1000000000) % 1000000000), '0'), ''), '0') END AS input_tokens,
  CASE WHEN count(gen_ai_output_tokens) > 0 THEN coalesce(nullif(ltrim(printf('%d%09d', sum(gen_ai_output_tokens / 1000000000) + sum(gen_ai_output_tokens % 1000000000) / 1000000000, sum(gen_ai_output_tokens % 1000000000) % 1000000000), '0'), ''), '0') END AS output_tokens,
  CASE WHEN count(cost_pico_usd) > 0 THEN coalesce(nullif(ltrim(printf('%d%09d', sum(cost_pico_usd / 1000000000) + sum(cost_pico_usd % 1000000000) / 1000000000, sum(cost_pico_usd % 1000000000) % 1000000000), '0'), ''), '0') END AS cost_pico_usd,
  total(cost_pico_usd) / 1e12 AS cost_usd,
  count(*) FILTER (WHERE cost_status IN ('unpriced', 'ambiguous')) AS unknown_costs
FROM spans_unique
WHERE (gen_ai_model <> '' OR cost_status <> 'no_usage') AND cost_status <> 'rollup'
GROUP BY 1, 2, 3;
