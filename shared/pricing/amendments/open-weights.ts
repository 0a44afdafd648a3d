import type { Amendment } from './amendment.ts'

const MODELS: Readonly<Record<string, readonly string[]>> = {
  openai: ['gpt-oss-120b', 'gpt-oss-20b', 'gpt-oss-safeguard-20b'],
  google: ['gemma-2-27b-it'],
  mistral: [
    'mistral-small-24b-instruct-2501',
    'mistral-small-3.1-24b-instruct',
    'mistral-small-3.2-24b-instruct',
    'mixtral-8x22b-instruct',
  ],
  azure: [
    'phi-3-medium-128k-instruct',
    'phi-3-mini-128k-instruct',
    'phi-3.5-mini-128k-instruct',
    'phi-4',
    'phi-4-mini-instruct',
    'phi-4-multimodal-instruct',
    'phi-4-reasoning-plus',
  ],
  deepseek: ['deepseek-v3.1-terminus', 'deepseek-v3.2', 'deepseek-v3.2-exp'],
}

/**
 * Open weights that the catalogue has under who made them, at what OpenRouter takes for them: their makers publish no price,
 * or another one, and do not sell them by that name.
 */
export const OPEN_WEIGHTS: readonly Amendment[] = Object.entries(MODELS).map(([seller, models]) => ({
  seller,
  models,
  sources: ['https://openrouter.ai/models'],
  read: '2026-09-23',
  prices: {},
}))
