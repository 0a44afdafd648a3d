import { MODELS } from './models.ts'
import { agent, chat, embeddings, failedChat, httpRequest, type PlannedSpan, type Scene, step, tool } from './spans.ts'

/** What a service does when it is asked something: a whole trace. */
export type Agent = (scene: Scene) => PlannedSpan

const QUESTIONS = {
  support: [
    ['Where is my order 48213?', 'It left our warehouse this morning and should reach you on Thursday.'],
    ['Can I return shoes I have worn once?', 'Yes, within 30 days; I have sent you a return label.'],
    ['I was charged twice for my subscription.', 'I can see both charges. The second one is being refunded.'],
    ['Does the blue lamp come with a bulb?', 'It does not, but any E27 bulb up to 40 W fits.'],
  ],
  research: [
    ['What changed in EU battery regulation this year?', 'Three things: due diligence, labels and recycled content. …'],
    ['Summarise the evidence on four-day weeks.', 'Most trials report stable output and less burnout, with caveats. …'],
    [
      'Compare sodium-ion and LFP cells for grid storage.',
      'LFP leads on density, sodium-ion on cold starts and price. …',
    ],
  ],
  review: [
    ['Review: make the retry queue durable', 'The lock is released before the write is synced; see line 88. …'],
    ['Review: cache the price table', 'The cache is never invalidated when a price changes. …'],
    ['Review: parse dates with time zones', 'Looks right. One test for the repeated hour in autumn is missing. …'],
  ],
} as const

/** A shop's assistant: it looks an order up, then answers. Its long instructions are cached by the provider. */
function support(scene: Scene): PlannedSpan {
  const { random } = scene
  const [prompt, answer] = random.pick(QUESTIONS.support)
  const system = 'You help the customers of a shop. Be brief and kind.'
  const cacheRead = random.chance(0.7) ? 2_048 : 0
  const asking = { model: MODELS.gpt5Mini, system, prompt, answer, cacheRead }
  return httpRequest(
    '/support/messages',
    agent(scene, 'support', MODELS.gpt5Mini, [
      step(1, [
        chat(scene, {
          ...asking,
          input: random.between(2_100, 2_900),
          output: random.between(25, 60),
          calls: 'orders',
        }),
        tool(scene, 'orders', 120, 'order 48213: shipped'),
      ]),
      step(2, [chat(scene, { ...asking, input: random.between(2_400, 3_400), output: random.between(60, 240) })]),
    ]),
  )
}

/** A researcher: finds documents by embedding, reads them with a large cached context, has the answer checked. */
function research(scene: Scene): PlannedSpan {
  const { random } = scene
  const [prompt, answer] = random.pick(QUESTIONS.research)
  const system = 'You answer with sources, and say what you do not know.'
  const documents = random.between(9_000, 24_000)
  const ask = { model: MODELS.sonnet, system, prompt, answer }
  return agent(scene, 'researcher', MODELS.sonnet, [
    step(1, [
      tool(scene, 'search_library', 80, '12 documents', [embeddings(scene, MODELS.embedding, random.between(12, 60))]),
      chat(scene, {
        ...ask,
        input: documents + 900,
        output: random.between(80, 160),
        cacheWrite: documents,
        calls: 'read',
      }),
      tool(scene, 'read', 900, '3 pages'),
    ]),
    step(2, [
      chat(scene, { ...ask, input: documents + 3_200, output: random.between(500, 1_400), cacheRead: documents }),
    ]),
    step(3, [
      chat(scene, {
        ...ask,
        model: MODELS.flash,
        prompt: `Is this answer supported by its sources? ${answer}`,
        answer: 'Yes.',
        input: random.between(1_500, 4_000),
        output: random.between(30, 90),
      }),
    ]),
  ])
}

/** A code reviewer that reasons at length. Now and then its provider has had enough, and another model takes over. */
function review(scene: Scene): PlannedSpan {
  const { random } = scene
  const [prompt, answer] = random.pick(QUESTIONS.review)
  const system = 'You review pull requests. Report defects only, each with a line.'
  const input = random.between(4_000, 15_000)
  const reasoning = random.between(600, 3_000)
  const first = random.chance(0.15)
    ? [
        failedChat(scene, MODELS.gpt5, 'rate limit reached for gpt-5 on tokens per minute', '429'),
        chat(scene, { model: MODELS.haiku, system, prompt, answer, input, output: random.between(300, 900) }),
      ]
    : [
        chat(scene, {
          model: MODELS.gpt5,
          system,
          prompt,
          answer,
          input,
          output: reasoning + random.between(200, 700),
          reasoning,
        }),
      ]
  return agent(scene, 'reviewer', MODELS.gpt5, [tool(scene, 'git_diff', 60, '+214 −87'), ...first])
}

/** A reviewer whose last resort failed too. */
function failedReview(scene: Scene): PlannedSpan {
  return agent(scene, 'reviewer', MODELS.gpt5, [
    tool(scene, 'git_diff', 60, '+1,902 −4'),
    failedChat(scene, MODELS.gpt5, 'this request is larger than the context window of gpt-5', '400'),
  ])
}

/** One call without an agent around it, to a model on the machine itself: it costs nothing. */
function classify(scene: Scene): PlannedSpan {
  const [prompt] = scene.random.pick(QUESTIONS.support)
  const input = scene.random.between(120, 260)
  const system = 'Answer with one word: order, return, billing or other.'
  return chat(scene, { model: MODELS.local, system, prompt, answer: 'order', input, output: 3 })
}

/** The demo's agents, the service each runs in, and how often each is asked. */
export const AGENTS: readonly { readonly service: string; readonly act: Agent; readonly weight: number }[] = [
  { service: 'shop-support', act: support, weight: 10 },
  { service: 'research-desk', act: research, weight: 5 },
  { service: 'code-review', act: review, weight: 4 },
  { service: 'code-review', act: failedReview, weight: 1 },
  { service: 'mail-triage', act: classify, weight: 4 },
]
