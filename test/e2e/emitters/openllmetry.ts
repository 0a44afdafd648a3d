// OpenLLMetry around OpenAI's own client, as its documentation sets it up; only OpenAI's servers are a mock.
import * as traceloop from '@traceloop/node-server-sdk'
import OpenAI from 'openai'
import { startOpenAiServer } from './openai-server.ts'
import { createRecorder, report } from './recording.ts'

/** OpenAI's class as OpenLLMetry, a CommonJS package, sees it: the same at run time, declared in another file. */
type InstrumentedOpenAi = NonNullable<NonNullable<traceloop.InitializeOptions['instrumentModules']>['openAI']>

const recorder = createRecorder()
traceloop.initialize({
  appName: 'openllmetry',
  baseUrl: process.argv[2]!,
  traceloopSyncEnabled: false,
  silenceInitializationMessage: true,
  instrumentModules: { openAI: OpenAI as unknown as InstrumentedOpenAi },
  processor: recorder,
})

const server = await startOpenAiServer()
const openai = new OpenAI({ apiKey: 'none', baseURL: server.url, maxRetries: 0 })

await traceloop.withAssociationProperties({ user_id: 'ben', session_id: 'talk-2' }, () =>
  traceloop.withWorkflow({ name: 'weather_report' }, async () => {
    await traceloop.withTask({ name: 'decide' }, () =>
      openai.chat.completions.create({
        model: 'gpt-4o',
        messages: [{ role: 'user', content: 'How warm is it in Zürich?' }],
        tools: [{ type: 'function', function: { name: 'weather', parameters: { type: 'object' } } }],
      }),
    )
    await traceloop.withTool({ name: 'weather' }, async (city: string) => ({ city, celsius: 21 }), 'Zürich')
    await openai.chat.completions.create({
      model: 'gpt-4o',
      messages: [{ role: 'user', content: 'And now in words.' }],
    })
    const story = await openai.chat.completions.create({
      model: 'gpt-4o-mini',
      messages: [{ role: 'user', content: 'Tell a story.' }],
      stream: true,
    })
    for await (const _ of story);
  }),
)

await traceloop.forceFlush()
report(recorder.sent())
server.close()
