import type { Amendment } from './amendment.ts'
import { CLAUDE } from './claude.ts'
import { DEEPSEEK } from './deepseek.ts'
import { OPEN_WEIGHTS } from './open-weights.ts'
import { OPENAI } from './openai.ts'
import { OTHERS } from './others.ts'

/** All that is known beside the catalogue. A model may be in several: they apply in this order. */
export const AMENDMENTS: readonly Amendment[] = [...OPENAI, ...CLAUDE, ...DEEPSEEK, ...OTHERS, ...OPEN_WEIGHTS]
