import type { Dialect } from '../dialect.ts'
import { anthropicSdk } from './anthropic-sdk.ts'
import { ax } from './ax.ts'
import { beeAi } from './beeai.ts'
import { bifrost } from './bifrost.ts'
import { braintrust } from './braintrust.ts'
import { claudeCode } from './claude-code.ts'
import { cloudflareAiGateway } from './cloudflare-ai-gateway.ts'
import { codex } from './codex.ts'
import { datadog } from './datadog.ts'
import { envoyAiGateway } from './envoy-ai-gateway.ts'
import { genkit } from './genkit.ts'
import { googleAdk } from './google-adk.ts'
import { goose } from './goose.ts'
import { grafana } from './grafana.ts'
import { laminar } from './laminar.ts'
import { langfuse } from './langfuse.ts'
import { langsmith } from './langsmith.ts'
import { langtrace } from './langtrace.ts'
import { langwatch } from './langwatch.ts'
import { litellm } from './litellm.ts'
import { livekit } from './livekit.ts'
import { mastra } from './mastra.ts'
import { mlflow } from './mlflow.ts'
import { openClaw } from './openclaw.ts'
import { openinference } from './openinference.ts'
import { openlit } from './openlit.ts'
import { openllmetry } from './openllmetry.ts'
import { openrouter } from './openrouter.ts'
import { opentelemetry } from './opentelemetry.ts'
import { pipecat } from './pipecat.ts'
import { promptfoo } from './promptfoo.ts'
import { pydanticAi } from './pydantic-ai.ts'
import { qwenCode } from './qwen-code.ts'
import { rig } from './rig.ts'
import { sentry } from './sentry.ts'
import { springAi } from './spring-ai.ts'
import { strands } from './strands.ts'
import { tanstackAi } from './tanstack-ai.ts'
import { vercelAi } from './vercel-ai.ts'
import { vllm } from './vllm.ts'
import { voltagent } from './voltagent.ts'

/**
 * Every dialect. Of several whose markers a span carries the first one spoke; OpenTelemetry's keys are understood
 * whoever speaks, and come before all others.
 */
export const DIALECTS: readonly Dialect[] = [
  anthropicSdk,
  claudeCode,
  codex,
  qwenCode,
  datadog,
  braintrust,
  springAi,
  openlit,
  openClaw,
  genkit,
  voltagent,
  tanstackAi,
  cloudflareAiGateway,
  bifrost,
  openrouter,
  litellm,
  livekit,
  ax,
  goose,
  grafana,
  rig,
  googleAdk,
  mastra,
  strands,
  mlflow,
  langsmith,
  vercelAi,
  pydanticAi,
  langfuse,
  laminar,
  langtrace,
  langwatch,
  sentry,
  promptfoo,
  pipecat,
  vllm,
  beeAi,
  envoyAiGateway,
  openinference,
  openllmetry,
  opentelemetry,
]
