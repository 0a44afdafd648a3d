import type { Dialect } from '../dialect.ts'
import { openinference } from './openinference.ts'
import { openllmetry } from './openllmetry.ts'
import { opentelemetry } from './opentelemetry.ts'
import { pydanticAi } from './pydantic-ai.ts'
import { vercelAi } from './vercel-ai.ts'

/**
 * Every dialect. Of several whose markers a span carries the first one spoke; OpenTelemetry's keys are understood
 * whoever speaks, and come before all others.
 */
export const DIALECTS: readonly Dialect[] = [vercelAi, pydanticAi, openinference, openllmetry, opentelemetry]
