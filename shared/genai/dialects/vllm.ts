import type { Dialect } from '../dialect.ts'
import { FIELD } from '../fields.ts'

/** The engine of vLLM, which says neither who it is nor, since its rewrite, which model it runs. */
export const vllm: Dialect = {
  name: 'vllm',
  scopes: ['vllm', 'vllm.*'],
  mixed: true,
  markers: ['gen_ai.latency.e2e'],
  keys: {},
  cache: 'inclusive',
  complete: (reading) => {
    reading[FIELD.operation] ??= 'chat'
    reading[FIELD.provider] ??= 'vllm'
  },
}
