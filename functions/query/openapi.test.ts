import { readFileSync } from 'node:fs'
import type { z } from '@hono/zod-openapi'
import { expect, test } from 'vitest'
import { problemSchema } from '../../shared/http/problem.ts'
import { openTestApp, sampleSpan, spanIdOf, traceIdOf } from './test-app.ts'

type Json = Record<string, unknown>

/** What some answers show only when asked. */
const MORE = [
  ['/usage', 'groupBy=model,user&interval=hour'],
  ['/{traceId}', 'include=messages'],
] as const

const open = () =>
  openTestApp({
    acme: [
      sampleSpan(
        {
          attributes: new Map([
            ['gen_ai.operation.name', 'chat'],
            ['gen_ai.prompt', 'Hello?'],
            ['gen_ai.completion.0.content', 'Hello.'],
            ['gen_ai.completion.0.finish_reason', 'end_turn'],
          ]),
        },
        { operation: 'chat', model: 'm', inputTokens: 1, costPicoUsd: 5n, costStatus: 'priced', receipt: '{}' },
      ),
      sampleSpan(
        { spanId: spanIdOf(2), endTimeUnixNano: 0n },
        { operation: 'chat', model: 'n', costStatus: 'unpriced' },
      ),
    ],
  })

async function documentOf(test: Awaited<ReturnType<typeof open>>): Promise<Json & { paths: Record<string, Json> }> {
  const response = await test.app.request('/ledger/v1/openapi.json')
  expect(response.status).toBe(200)
  return (await response.json()) as Json & { paths: Record<string, Json> }
}

function* nodes(value: unknown): Generator<Json> {
  if (typeof value !== 'object' || value === null) return
  yield value as Json
  for (const item of Object.values(value)) yield* nodes(item)
}

test('the document is OpenAPI 3.1 whose every reference leads somewhere', async () => {
  const document = await documentOf(await open())
  expect(document).toMatchObject({ openapi: '3.1.0', info: { title: 'Spanledger', version: '1' } })
  const references = [...nodes(document)].map(({ $ref }) => $ref).filter((reference) => typeof reference === 'string')
  expect(references.length).toBeGreaterThan(0)
  for (const reference of references) {
    const target = reference
      .slice(2)
      .split('/')
      .reduce<unknown>((at, key) => (at as Json)?.[key], document)
    expect(target, reference).toBeTypeOf('object')
  }
})

test('every operation is described: its parameters, its answers and its path', async () => {
  const document = await documentOf(await open())
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.values(methods).map((operation) => ({ path, operation: operation as Json })),
  )
  expect(Object.keys(document.paths).toSorted()).toStrictEqual([
    '/healthz',
    '/ledger/v1/conservation',
    '/ledger/v1/models',
    '/ledger/v1/spans',
    '/ledger/v1/traces',
    '/ledger/v1/traces/{traceId}',
    '/ledger/v1/usage',
    '/readyz',
  ])
  for (const { path, operation } of operations) {
    expect(operation, path).toMatchObject({ summary: expect.any(String), tags: [expect.any(String)] })
    const parameters = (operation.parameters ?? []) as { name: string; in: string; description?: string }[]
    expect(parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name)).toStrictEqual(
      Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => name),
    )
    for (const parameter of parameters)
      if (parameter.in === 'query') expect(parameter.description, parameter.name).toBeTruthy()
    for (const [status, response] of Object.entries(operation.responses as Record<string, Json>)) {
      expect(response, `${path} ${status}`).toMatchObject({
        description: expect.stringMatching(/./),
        content: expect.anything(),
      })
    }
  }
})

test('every real answer, right or wrong, has the shape that its route documents', async () => {
  const { app, request } = await open()
  const definitions = app.openAPIRegistry.definitions.filter((definition) => definition.type === 'route')
  expect(definitions.length).toBeGreaterThanOrEqual(8)
  for (const { route } of definitions) {
    const path = route.path.replace('{traceId}', traceIdOf(1))
    const answered = route.responses[200] as { content?: Record<string, { schema: unknown }> }
    const schema = answered.content?.['application/json']?.schema as z.ZodType
    const more = MORE.find(([ending]) => route.path.endsWith(ending))?.[1]
    const questions = more === undefined ? [path] : [path, `${path}?${more}`]
    for (const question of questions) {
      const response = await request(question)
      expect(response.headers.get('content-type')).toMatch('application/json')
      const answer = await response.json()
      // Parsing drops what the schema does not know: an answer equal to what is left has nothing undocumented.
      expect(schema.parse(answer), question).toStrictEqual(answer)
    }
    if (!path.startsWith('/ledger/')) continue
    const wrong = await request(`${path}?bogus=1`)
    expect(wrong.status, path).toBe(400)
    expect(problemSchema.parse(await wrong.json())).toMatchObject({ errors: [{ parameter: 'bogus' }] })
  }
})

test('the documentation names every parameter and every path, and each of its examples is answered', async () => {
  const test = await open()
  const text = readFileSync(new URL('../../docs/api.md', import.meta.url), 'utf8')
  const examples = Array.from(text.matchAll(/'http:\/\/localhost:4318(\S+)'/g), ([, path]) => path as string)
  expect(examples.length).toBeGreaterThan(4)
  for (const example of examples) expect((await test.request(example)).status, example).toBe(200)
  const document = await documentOf(test)
  const names = [...nodes(document.paths)].filter((node) => node.in === 'query').map(({ name }) => name as string)
  const paths = Object.keys(document.paths).filter((path) => path.startsWith('/ledger'))
  for (const name of new Set([...names, ...paths])) expect(text).toContain(name)
})
