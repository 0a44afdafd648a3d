import type { AttributeValue } from '../spans/attributes.ts'
import { sumCounts } from './count.ts'
import { FIELD, fill, type Reading } from './fields.ts'
import { OBJECT, type Said, type Slots, VALUE } from './member-shape.ts'

const DETAILS = ['modality', 'token_count', 'tokenCount'] as const

/** What {@link completeFromGoogleUsage} reads: camel case as it comes, or Python's snake case. */
export const GOOGLE_USAGE = {
  promptTokenCount: VALUE,
  prompt_token_count: VALUE,
  candidatesTokenCount: VALUE,
  candidates_token_count: VALUE,
  totalTokenCount: VALUE,
  total_token_count: VALUE,
  cachedContentTokenCount: VALUE,
  cached_content_token_count: VALUE,
  thoughtsTokenCount: VALUE,
  thoughts_token_count: VALUE,
  toolUsePromptTokenCount: VALUE,
  tool_use_prompt_token_count: VALUE,
  promptTokensDetails: DETAILS,
  prompt_tokens_details: DETAILS,
  cacheTokensDetails: DETAILS,
  cache_tokens_details: DETAILS,
  candidatesTokensDetails: DETAILS,
  candidates_tokens_details: DETAILS,
  trafficType: VALUE,
  traffic_type: VALUE,
} as const

/**
 * Completes a reading from the usage metadata of Gemini's API. Its output leaves thoughts out, its input what built-in tools
 * read, and its total has everything.
 */
export function completeFromGoogleUsage(reading: Reading, said: Said, usage: Slots<typeof GOOGLE_USAGE>): void {
  if (said[usage.self] !== OBJECT) return
  const prompt = said[usage.prompt_token_count] ?? said[usage.promptTokenCount]
  fill(reading, FIELD.input, prompt)
  fill(reading, FIELD.output, said[usage.candidates_token_count] ?? said[usage.candidatesTokenCount])
  fill(reading, FIELD.total, said[usage.total_token_count] ?? said[usage.totalTokenCount])
  fill(reading, FIELD.cacheRead, said[usage.cached_content_token_count] ?? said[usage.cachedContentTokenCount])
  fill(reading, FIELD.reasoning, said[usage.thoughts_token_count] ?? said[usage.thoughtsTokenCount])
  addToolUse(reading, prompt, said[usage.tool_use_prompt_token_count] ?? said[usage.toolUsePromptTokenCount])
  const prompts = said[usage.prompt_tokens_details] ?? said[usage.promptTokensDetails]
  fillModalities(reading, prompts, FIELD.inputAudio, FIELD.inputImage)
  const cached = said[usage.cache_tokens_details] ?? said[usage.cacheTokensDetails]
  fillModalities(reading, cached, FIELD.cacheReadAudio, FIELD.cacheReadImage)
  const candidates = said[usage.candidates_tokens_details] ?? said[usage.candidatesTokensDetails]
  fillModalities(reading, candidates, FIELD.outputAudio, FIELD.outputImage)
  fill(reading, FIELD.serviceTier, said[usage.traffic_type] ?? said[usage.trafficType])
}

/** Unless the emitter has added it to the prompt itself. */
function addToolUse(reading: Reading, prompt: AttributeValue | undefined, toolUse: AttributeValue | undefined): void {
  const input = reading[FIELD.input]
  if (toolUse === undefined || toolUse === null || Number(input ?? 0) !== Number(prompt ?? 0)) return
  reading[FIELD.input] = sumCounts([input, toolUse])
  if (reading[FIELD.uncachedInput] === undefined) return
  reading[FIELD.uncachedInput] = sumCounts([reading[FIELD.uncachedInput], toolUse])
}

/** Fills in the counts of two modalities from a list of all. */
function fillModalities(reading: Reading, details: AttributeValue | undefined, audio: number, image: number): void {
  if (!Array.isArray(details)) return
  for (let at = 0; at < details.length; at += DETAILS.length) {
    const field = details[at] === 'AUDIO' ? audio : details[at] === 'IMAGE' ? image : undefined
    if (field !== undefined) fill(reading, field, details[at + 1] ?? details[at + 2])
  }
}
