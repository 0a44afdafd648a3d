import { expect, test } from 'vitest'
import { z } from 'zod'
import { describeIssues } from './issues.ts'

const schema = z.strictObject({
  id: z.string().min(1),
  mode: z.enum(['hard', 'soft']).optional(),
  seconds: z.number().int().max(60).optional(),
  users: z.union([z.string().max(3), z.array(z.string()).max(2)]).optional(),
  price: z.union([z.number(), z.object({ base: z.number() })]).optional(),
  period: z
    .union([z.enum(['day', 'hour']), z.object({ seconds: z.number() })], 'must be day, hour or {"seconds": 60}')
    .optional(),
  tags: z.record(z.string(), z.string()).optional(),
})

const told = (given: unknown) => {
  const { error } = schema.safeParse(given)
  return error === undefined ? [] : describeIssues(error).map(({ parameter, detail }) => `${parameter}: ${detail}`)
}

test.each([
  [{ id: 'a' }, []],
  [[], [': must be an object, not a list']],
  [null, [': must be an object, not null']],
  [{}, ['id: is missing; must be text']],
  [{ id: 5 }, ['id: must be text, not a number']],
  [{ id: '' }, ['id: too small: expected string to have >=1 characters']],
  [{ id: 'a', nope: 1 }, ['nope: unknown']],
  [{ id: 'a', mode: 'Hard' }, ['mode: must be hard or soft']],
  [{ id: 'a', seconds: '5' }, ['seconds: must be a number, not text']],
  [{ id: 'a', seconds: 0.5 }, ['seconds: must be a whole number']],
  [{ id: 'a', seconds: 61 }, ['seconds: too big: expected number to be <=60']],
  [{ id: 'a', tags: ['a'] }, ['tags: must be an object, not a list']],
])('what is wrong was told in the words of a library: %j', (given, expected) => {
  expect(told(given)).toStrictEqual(expected)
})

test.each([
  [{ users: 5 }, 'users: must be text or a list'],
  [{ users: 'long' }, 'users: too big: expected string to have <=3 characters'],
  [{ users: ['a', 'b', 'c'] }, 'users: too big: expected array to have <=2 items'],
  [{ users: ['a', 5] }, 'users.1: must be text, not a number'],
  [{ period: 'daily' }, 'period: must be day, hour or {"seconds": 60}'],
  [{ price: { base: 'x' } }, 'price.base: must be a number, not text'],
  [{ price: {} }, 'price.base: is missing; must be a number'],
])('of what may be one of several things only "Invalid input" was told: %j', (given, expected) => {
  expect(told({ id: 'a', ...given })).toStrictEqual([expected])
})
