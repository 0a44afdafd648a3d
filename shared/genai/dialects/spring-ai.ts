import type { AttributeValue } from '../../spans/attributes.ts'
import type { Dialect } from '../dialect.ts'
import { COUNT_FIELDS, FIELD } from '../fields.ts'
import { copiedInclusion } from '../inclusion.ts'

/** What its spans are that do not call a model, by `spring.ai.kind`. */
const OPERATIONS: ReadonlyMap<AttributeValue | undefined, string> = new Map<AttributeValue | undefined, string>([
  ['chat_client', 'invoke_agent'],
  ['advisor', 'invoke_workflow'],
  ['tool_call', 'execute_tool'],
  ['vector_store', 'retrieval'],
])

const NUMERAL = /^\d{1,10}$/

/**
 * Spring AI: OpenTelemetry's keys through Micrometer, for which every attribute is text, counts too, and `none` stands for
 * no name. Its counts are the provider's.
 */
export const springAi: Dialect = {
  name: 'spring_ai',
  scopes: ['org.springframework.boot'],
  mixed: true,
  markers: ['spring.ai.kind'],
  keys: { toolName: ['spring.ai.tool.definition.name'], conversation: ['spring.ai.chat.client.conversation.id'] },
  cache: (_reading, _span, provider) => copiedInclusion(provider),
  complete: (reading, { attributes }) => {
    for (let field = 0; field < COUNT_FIELDS; field++) {
      const value = reading[field]
      if (typeof value === 'string' && NUMERAL.test(value)) reading[field] = Number(value)
    }
    for (const field of [FIELD.requestModel, FIELD.responseModel])
      if (reading[field] === 'none') reading[field] = undefined
    const operation = OPERATIONS.get(attributes.get('spring.ai.kind'))
    if (operation !== undefined) reading[FIELD.operation] = operation
  },
  conversation: {
    ids: ['spring.ai.chat.client.conversation.id'],
    tool: { arguments: ['spring.ai.tool.call.arguments'], result: ['spring.ai.tool.call.result'] },
  },
}
