-- spans_unique
SELECT project_id, trace_id, span_id, parent_span_id, name, kind, service_name, start_time, end_time, duration_ns, status, status_message, gen_ai_operation, gen_ai_provider, gen_ai_model, gen_ai_input_tokens, gen_ai_output_tokens, gen_ai_total_tokens, gen_ai_cache_read_tokens, gen_ai_cache_write_tokens, gen_ai_reasoning_tokens, gen_ai_cost_usd, cost_pico_usd, cost_status, price_version, receipt, user_id, session_id, environment, attributes, resource_attributes, events, links, scope_name, scope_version, ingested_at, digest, attribute_kinds, resource_attribute_kinds, trace_state, flags, envelope, gen_ai_request_model, gen_ai_agent_name, gen_ai_tool_name, gen_ai_dialect, cost_lower_pico_usd, cost_upper_pico_usd, reported_cost_pico_usd, ledger_revision, span_bytes, key_id, start_time_ns, end_time_ns, ingested_at_ns
FROM `my-project.spanledger.spans`
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY project_id, trace_id, span_id ORDER BY end_time_ns DESC, digest DESC) = 1;

-- daily_costs
SELECT project_id,
  DATE(start_time) AS day,
  gen_ai_provider,
  gen_ai_model,
  COUNTIF((gen_ai_operation <> '' OR gen_ai_model <> '')
    AND gen_ai_operation NOT IN ('execute_tool', 'invoke_agent', 'create_agent', 'invoke_workflow', 'agent_step', 'retrieval', 'evaluate', 'guardrail', 'usage_summary')) AS calls,
  COUNTIF(status = 'ERROR' AND (gen_ai_operation <> '' OR gen_ai_model <> '')
    AND gen_ai_operation NOT IN ('execute_tool', 'invoke_agent', 'create_agent', 'invoke_workflow', 'agent_step', 'retrieval', 'evaluate', 'guardrail', 'usage_summary')) AS errors,
  SUM(CAST(gen_ai_input_tokens AS NUMERIC)) AS input_tokens,
  SUM(CAST(gen_ai_output_tokens AS NUMERIC)) AS output_tokens,
  SUM(CAST(cost_pico_usd AS NUMERIC)) AS cost_pico_usd,
  CAST(SUM(CAST(cost_pico_usd AS NUMERIC)) AS FLOAT64) / 1e12 AS cost_usd,
  COUNTIF(cost_status IN ('unpriced', 'ambiguous')) AS unknown_costs
FROM `my-project.spanledger.spans_unique`
WHERE (gen_ai_model <> '' OR cost_status <> 'no_usage') AND cost_status <> 'rollup'
GROUP BY 1, 2, 3, 4;

-- model_costs
SELECT project_id,
  gen_ai_provider,
  gen_ai_model,
  min(start_time) AS first_seen,
  max(start_time) AS last_seen,
  COUNTIF((gen_ai_operation <> '' OR gen_ai_model <> '')
    AND gen_ai_operation NOT IN ('execute_tool', 'invoke_agent', 'create_agent', 'invoke_workflow', 'agent_step', 'retrieval', 'evaluate', 'guardrail', 'usage_summary')) AS calls,
  COUNTIF(status = 'ERROR' AND (gen_ai_operation <> '' OR gen_ai_model <> '')
    AND gen_ai_operation NOT IN ('execute_tool', 'invoke_agent', 'create_agent', 'invoke_workflow', 'agent_step', 'retrieval', 'evaluate', 'guardrail', 'usage_summary')) AS errors,
  SUM(CAST(gen_ai_input_tokens AS NUMERIC)) AS input_tokens,
  SUM(CAST(gen_ai_output_tokens AS NUMERIC)) AS output_tokens,
  SUM(CAST(cost_pico_usd AS NUMERIC)) AS cost_pico_usd,
  CAST(SUM(CAST(cost_pico_usd AS NUMERIC)) AS FLOAT64) / 1e12 AS cost_usd,
  COUNTIF(cost_status IN ('unpriced', 'ambiguous')) AS unknown_costs
FROM `my-project.spanledger.spans_unique`
WHERE (gen_ai_model <> '' OR cost_status <> 'no_usage') AND cost_status <> 'rollup'
GROUP BY 1, 2, 3;
