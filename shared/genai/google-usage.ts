import type { AttributeValue } from '../spans/attributes.ts'
import { sumCounts } from './count.ts'
import { FIELD, fill, type Reading } from './fields.ts'
import { elements, type Members } from './members.ts'

/**
 * Completes a reading from the usage metadata of Gemini's API, in camel case as it comes or in Python's snake case. Its
 * output leaves thoughts out, its input what built-in tools read, and its total has everything.
 */
export function completeFromGoogleUsage(reading: Reading, usage: Members | undefined): void {
  if (usage === undefined) return
  const said = (snake: string, camel: string) => usage[snake] ?? usage[camel]
  const prompt = said('prompt_token_count', 'promptTokenCount')
  fill(reading, FIELD.input, prompt)
  fill(reading, FIELD.output, said('candidates_token_count', 'candidatesTokenCount'))
  fill(reading, FIELD.total, said('total_token_count', 'totalTokenCount'))
  fill(reading, FIELD.cacheRead, said('cached_content_token_count', 'cachedContentTokenCount'))
  fill(reading, FIELD.reasoning, said('thoughts_token_count', 'thoughtsTokenCount'))
  addToolUse(reading, prompt, said('tool_use_prompt_token_count', 'toolUsePromptTokenCount'))
  const prompts = said('prompt_tokens_details', 'promptTokensDetails')
  fillModalities(reading, prompts, FIELD.inputAudio, FIELD.inputImage)
  const cached = said('cache_tokens_details', 'cacheTokensDetails')
  fillModalities(reading, cached, FIELD.cacheReadAudio, FIELD.cacheReadImage)
  const candidates = said('candidates_tokens_details', 'candidatesTokensDetails')
  fillModalities(reading, candidates, FIELD.outputAudio, FIELD.outputImage)
  fill(reading, FIELD.serviceTier, said('traffic_type', 'trafficType'))
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
  if (details === undefined) return
  for (const { modality, token_count, tokenCount } of elements(details))
    if (modality === 'AUDIO') fill(reading, audio, token_count ?? tokenCount)
    else if (modality === 'IMAGE') fill(reading, image, token_count ?? tokenCount)
}
