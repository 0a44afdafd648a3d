import { createServer, type IncomingMessage, type Server } from 'node:http'

const CREATED = 1_750_000_000

/** OpenAI's HTTP API as far as the emitters call it, with fixed answers and usage. Resolves with its base URL. */
export async function startOpenAiServer(): Promise<{ url: string; close(): void }> {
  const server: Server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    const body = JSON.parse(await text(request)) as { model: string; stream?: boolean; tools?: unknown }
    if (pathname === '/v1/chat/completions' && body.stream) {
      response.setHeader('content-type', 'text/event-stream')
      for (const chunk of streamed(body.model)) response.write(`data: ${JSON.stringify(chunk)}\n\n`)
      response.end('data: [DONE]\n\n')
      return
    }
    response.setHeader('content-type', 'application/json')
    if (pathname === '/v1/chat/completions') {
      response.end(JSON.stringify(completion(body.model, body.tools !== undefined)))
    } else {
      response.statusCode = 404
      response.end('{}')
    }
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return { url: `http://127.0.0.1:${address.port}/v1`, close: () => server.close() }
}

function completion(model: string, withTool: boolean) {
  const call = { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Zürich"}' } }
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: CREATED,
    model: `${model}-2024-08-06`,
    choices: [
      {
        index: 0,
        finish_reason: withTool ? 'tool_calls' : 'stop',
        message: withTool
          ? { role: 'assistant', content: null, tool_calls: [call] }
          : { role: 'assistant', content: 'It is 21 °C in Zürich.' },
      },
    ],
    usage: {
      prompt_tokens: 2_000,
      completion_tokens: 150,
      total_tokens: 2_150,
      prompt_tokens_details: { cached_tokens: withTool ? 1_536 : 0 },
      completion_tokens_details: { reasoning_tokens: 0 },
    },
  }
}

function streamed(model: string) {
  const chunk = { id: 'chatcmpl-2', object: 'chat.completion.chunk', created: CREATED, model: `${model}-2024-07-18` }
  const choice = (delta: object, finish_reason: string | null = null) => ({ index: 0, delta, finish_reason })
  return [
    { ...chunk, choices: [choice({ role: 'assistant', content: '' })] },
    { ...chunk, choices: [choice({ content: 'Once upon ' })] },
    { ...chunk, choices: [choice({ content: 'a time.' })] },
    { ...chunk, choices: [choice({}, 'stop')] },
  ]
}

async function text(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
