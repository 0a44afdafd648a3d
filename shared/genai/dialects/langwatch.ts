import type { AttributeValue } from '../../spans/attributes.ts'
import type { Dialect } from '../dialect.ts'
import { FIELD, fill } from '../fields.ts'
import { copiedInclusion } from '../inclusion.ts'
import { member, members } from '../members.ts'
import { isRecord, parseJson } from '../messages/json.ts'
import { type DefaultRole, type Message, readMessages } from '../messages/message.ts'

/** LangWatch's SDKs: what the application itself measured, as one JSON object, in JavaScript within another one. */
export const langwatch: Dialect = {
  name: 'langwatch',
  markers: ['langwatch.span.type', 'langwatch.metrics'],
  keys: {
    kind: ['langwatch.span.type'],
    user: ['langwatch.user.id'],
    session: ['langwatch.thread.id'],
    usageJson: ['langwatch.metrics'],
  },
  cache: (_reading, _span, provider) => copiedInclusion(provider),
  complete: (reading) => {
    const said = members(reading[FIELD.usageJson])
    const metrics = member(said, 'value') ?? said
    fill(reading, FIELD.input, metrics?.promptTokens ?? metrics?.prompt_tokens)
    fill(reading, FIELD.output, metrics?.completionTokens ?? metrics?.completion_tokens)
    fill(reading, FIELD.reportedCost, metrics?.cost)
  },
  conversation: {
    ids: ['langwatch.thread.id'],
    tool: { arguments: ['langwatch.input'], result: ['langwatch.output'] },
    read: ({ attributes }) => ({
      input: readTyped(attributes.get('langwatch.input'), 'user'),
      output: readTyped(attributes.get('langwatch.output'), 'assistant'),
    }),
  },
}

/** It says of what type a value is, around it. */
function readTyped(said: AttributeValue | undefined, role: DefaultRole): Message[] {
  const typed = typeof said === 'string' ? parseJson(said) : undefined
  return isRecord(typed) ? readMessages(typed.value, role) : []
}
