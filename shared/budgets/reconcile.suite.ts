import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildSpan } from '../../test/support/span.ts'
import { EMPTY_LEDGER, type PricedSpan, RESERVATION_ATTRIBUTE } from '../spans/ledger.ts'
import type { SpanBatch, TraceStore } from '../warehouse/trace-store.ts'
import { chargesOf } from './charge.ts'
import { digestOf, NOON, termsOf } from './ledger.fixtures.ts'
import type { BudgetLedger } from './ledger.ts'
import { reconcile } from './reconcile.ts'
import type { ReconcileOptions } from './reconciliation.ts'

/** A ledger and a warehouse, and a way to falsify what spans have brought to a bucket, as no operation of the ledger does. */
export interface ReconcileTarget {
  readonly ledger: BudgetLedger
  readonly store: TraceStore
  readonly falsify: (project: string, budget: string, bucket: number, amount: bigint) => Promise<void>
  close(): Promise<void>
}

const MINUTE = 60_000
const HOUR = 60 * MINUTE
/** The key that sends all there is; corrections come without. */
const KEY = 'k1'
const keyOf = ({ isCorrection }: Message) => (isCorrection ? '' : KEY)
const BUDGETS = { day: 'day', hour: 'hour', rolling: { rollingSeconds: 6 * 3_600 } } as const

interface Message {
  readonly name: string
  readonly spans: readonly PricedSpan[]
  readonly isCorrection: boolean
  readonly ingestedAt: number
  debited: boolean
  stored: boolean
}

/** What happens to a project, in an order that fast-check chooses. `which` picks among the messages there are. */
type Step =
  | { readonly do: 'send'; readonly costs: readonly number[]; readonly hoursAgo: number }
  | { readonly do: 'reprice'; readonly which: number; readonly cost: number }
  | { readonly do: 'debit' | 'store'; readonly which: number }
  | { readonly do: 'reconcile'; readonly twice: boolean }
  /** What parts a period into buckets. */
  | { readonly do: 'reset' | 'grant'; readonly which: number }
  /** Messages are on their way for less than an hour. */
  | { readonly do: 'wait' }

const which = fc.nat({ max: 20 })
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('send' as const),
      costs: fc.array(fc.integer({ min: 0, max: 500 }), { minLength: 1, maxLength: 3 }),
      hoursAgo: fc.integer({ min: 0, max: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reprice' as const), which, cost: fc.nat({ max: 500 }) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('debit' as const, 'store' as const), which }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('reconcile' as const), twice: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('reset' as const, 'grant' as const), which }) },
  { weight: 1, arbitrary: fc.constant({ do: 'wait' as const }) },
)

/** Laws of reconciliation that hold on every pair of ledger and warehouse. */
export function reconcileSuite(
  name: string,
  { open, runs }: { readonly open: (now: () => number) => Promise<ReconcileTarget>; readonly runs: number },
): void {
  describe(name, () => {
    let now = NOON
    let target: ReconcileTarget
    let projects = 0
    beforeAll(async () => {
      target = await open(() => now)
    })
    afterAll(() => target?.close())

    const debit = async (project: string, message: Message) => {
      const { name, spans, isCorrection } = message
      const { ledger } = target
      const rules = await ledger.rules(project)
      const batch = { project, digest: digestOf(project + name), spans: isCorrection ? 0 : spans.length }
      await ledger.debit([{ ...batch, revision: rules.revision, ...chargesOf(rules, spans, keyOf(message)) }])
    }
    const store = async (project: string, message: Message) => {
      const { name, spans, isCorrection, ingestedAt } = message
      const sent = { ingestedAt: BigInt(ingestedAt) * 1_000_000n, keyId: keyOf(message) }
      const context = { project, digest: digestOf(project + name), ...sent }
      const batch: SpanBatch = isCorrection ? { context, spans: [], corrections: spans } : { context, spans }
      await target.store.write([batch])
    }
    const spent = async (project: string, id: string) => (await target.ledger.get(project, id)).position.spent
    /** What spans and corrections have brought to each budget, whatever its period. */
    const brought = (project: string) =>
      Promise.all(
        Object.keys(BUDGETS).map(async (id) =>
          (await target.ledger.spanSums(project, id)).reduce((sum, { amount }) => sum + amount, 0n),
        ),
      )
    const lines = async (project: string) => {
      const pages = Object.keys(BUDGETS).map((id) => target.ledger.entries(project, id, { pageSize: 500 }))
      return (await Promise.all(pages)).reduce((sum, { items }) => sum + items.length, 0)
    }

    /** A project with its budgets, and what is on its way to it. */
    async function begin() {
      now = NOON - 5 * HOUR
      const project = `p${projects++}`
      for (const [id, period] of Object.entries(BUDGETS)) {
        const { balance } = await target.ledger.put(
          project,
          id,
          termsOf({ limit: 100_000n, thresholds: [], period, selector: id === 'rolling' ? { key: [KEY] } : {} }),
          '',
        )
        await target.ledger.backfilled(project, id, balance.budget.generation)
      }
      now = NOON
      const messages: Message[] = []
      const isIdle = async () => messages.every(({ debited, stored }) => debited && stored)
      const sources = { ledger: target.ledger, reader: target.store, now: () => now, pause: async () => undefined }
      const run = (options: Partial<ReconcileOptions> & { readonly known: boolean }) =>
        reconcile({ ...sources, ...(options.known && { isIdle }) }, { project, ...options })
      const deliver = async (message: Message | undefined, to: 'debit' | 'store') => {
        if (message === undefined) return
        await (to === 'debit' ? debit : store)(project, message)
        message[to === 'debit' ? 'debited' : 'stored'] = true
      }
      const deliverAll = async () => {
        for (const message of messages) {
          await deliver(message, 'store')
          await deliver(message, 'debit')
        }
      }
      const send = (costs: readonly number[], hoursAgo: number, reservation?: string) => {
        const at = NOON - hoursAgo * HOUR
        const first = messages.reduce((sum, { spans }) => sum + spans.length, 1)
        const spans = costs.map((cost, i) => spanOf({ id: first + i, at, cost, revision: 0, reservation }))
        messages.push(messageOf(`m${messages.length}`, spans, false))
      }
      const reprice = (which: number, cost: number) => {
        const sent = messages.filter(({ isCorrection }) => !isCorrection)
        const span = sent[which % Math.max(1, sent.length)]?.spans[0]
        if (span === undefined) return
        const id = Number.parseInt(span.span.spanId, 16)
        const at = Number(span.span.startTimeUnixNano / 1_000_000n)
        messages.push(messageOf(`m${messages.length}`, [spanOf({ id, at, cost, revision: messages.length })], true))
      }
      const messageOf = (name: string, spans: readonly PricedSpan[], isCorrection: boolean): Message => ({
        ...{ name, spans, isCorrection, ingestedAt: now, debited: false, stored: false },
      })
      const part = async (by: 'reset' | 'grant', which: number) => {
        const id = Object.keys(BUDGETS)[which % Object.keys(BUDGETS).length] as string
        if (by === 'reset') await target.ledger.reset(project, id, '', '')
        else await target.ledger.grant(project, id, { amount: 5n, from: now, to: now + HOUR, note: '' }, '')
      }
      return { project, messages, run, deliver, deliverAll, send, reprice, part }
    }

    /** What the spans cost by the last that was said of each. */
    function truth(messages: readonly Message[]): bigint {
      const last = new Map<string, PricedSpan>()
      for (const priced of messages.flatMap(({ spans }) => spans)) {
        const known = last.get(priced.span.spanId)
        if (known === undefined || priced.ledger.revision > known.ledger.revision) last.set(priced.span.spanId, priced)
      }
      return [...last.values()].reduce((sum, { ledger }) => sum + (ledger.costPicoUsd ?? 0n), 0n)
    }

    test.each([
      ['where the queue is known, with prices that change', true],
      ['where nobody knows what is on its way', false],
    ])('whenever it runs, it changes nothing that deliveries do not change themselves: %s', async (_, known) => {
      const steps = fc.array(anyStep, { minLength: 4, maxLength: 16 })
      await fc.assert(
        fc.asyncProperty(steps, async (steps) => {
          const world = await begin()
          for (const step of steps) {
            if (step.do === 'send') world.send(step.costs, step.hoursAgo)
            else if (step.do === 'reprice' && known) world.reprice(step.which, step.cost)
            else if (step.do === 'debit' || step.do === 'store')
              await world.deliver(world.messages[step.which % Math.max(1, world.messages.length)], step.do)
            else if (step.do === 'reconcile')
              await Promise.all([world.run({ known }), ...(step.twice ? [world.run({ known })] : [])])
            else if (step.do === 'reset' || step.do === 'grant') await world.part(step.do, step.which)
            else if (step.do === 'wait' && now < NOON + 2 * HOUR) {
              await world.deliverAll()
              now += 62 * MINUTE
            }
          }
          await world.deliverAll()
          expect(await brought(world.project)).toEqual(Object.keys(BUDGETS).map(() => truth(world.messages)))
          const before = await lines(world.project)
          expect((await world.run({ known })).differences).toEqual([])
          expect(await lines(world.project)).toBe(before)
        }),
        { numRuns: runs },
      )
    })

    test.each([true, false])(
      'what never came to the ledger is debited, once, by however many runs; known: %s',
      async (known) => {
        await fc.assert(
          fc.asyncProperty(fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }), async (lost) => {
            const world = await begin()
            for (const i of lost.keys()) world.send([10 + i, 1], i % 3)
            for (const [i, message] of world.messages.entries()) {
              await world.deliver(message, 'store')
              if (!lost[i]) await world.deliver(message, 'debit')
            }
            now += 2 * HOUR
            await Promise.all([world.run({ known }), world.run({ known })])
            const whole = Object.keys(BUDGETS).map(() => truth(world.messages))
            expect(await brought(world.project)).toEqual(whole)
            // Delivered after all, as from a dead-letter topic.
            await world.deliverAll()
            expect(await brought(world.project)).toEqual(whole)
            expect(await spent(world.project, 'day')).toBe(whole[0])
          }),
          { numRuns: Math.ceil(runs / 4) },
        )
      },
    )

    test.each([true, false])('sums that were falsified are set right, by one of two runs; known: %s', async (known) => {
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: -50, max: 50 }), async (falsified) => {
          const world = await begin()
          world.send([60, 1], 0)
          await world.deliverAll()
          const [before] = await target.ledger.spanSums(world.project, 'day')
          await target.falsify(world.project, 'day', before?.bucket ?? 0, BigInt(falsified))
          now += 2 * HOUR
          const dry = await world.run({ known, dryRun: true })
          const reports = await Promise.all([world.run({ known }), world.run({ known })])
          expect(await spent(world.project, 'day')).toBe(61n)
          for (const { differences } of reports) expect(differences.length).toBeLessThanOrEqual(1)
          expect(dry.differences).toHaveLength(falsified === 0 ? 0 : 1)
          const { items } = await target.ledger.entries(world.project, 'day', { pageSize: 500 })
          const corrections = items.filter(({ kind }) => kind === 'corrected')
          expect(corrections.map(({ amount }) => amount)).toEqual(falsified === 0 ? [] : [-BigInt(falsified)])
          for (const { note, actor } of corrections) {
            expect(note).toContain('the warehouse has spans of 0.000000000061 USD')
            expect(actor).toBe('reconcile')
          }
          expect((await world.run({ known })).differences).toEqual([])
        }),
        { numRuns: Math.ceil(runs / 4) },
      )
    })

    test('the settlement of a call is taken back when its lost span is debited after all', async () => {
      const world = await begin()
      const amounts = { usd: 50n, tokens: 1n, requests: 1n }
      const request = { project: world.project, idempotencyKey: 'k', subject: {}, amounts, ttlMs: 60_000 }
      const held = await target.ledger.reserve(request)
      if (held.kind === 'denied') throw new Error('denied')
      await target.ledger.settle(world.project, held.reservation.id, { usd: 30n })
      world.send([28], 0, held.reservation.id)
      await world.deliver(world.messages[0], 'store')
      now += 2 * HOUR
      const report = await world.run({ known: false, budgetId: 'day' })
      expect(report).toMatchObject({ differences: [{ ledger: 0n, warehouse: 28n }] })
      expect(await spent(world.project, 'day')).toBe(28n)
      await world.deliverAll()
      expect(await spent(world.project, 'day')).toBe(28n)
    })

    test('what retention has begun to delete is left alone: it would lower the spend', async () => {
      const world = await begin()
      world.send([60, 1], 0)
      await world.deliver(world.messages[0], 'debit')
      now += 26 * HOUR
      const report = await world.run({ known: false, retentionDays: 1, budgetId: 'day' })
      const [sum] = await target.ledger.spanSums(world.project, 'day')
      const reason = 'the warehouse keeps only a part of it'
      expect(report).toMatchObject({ differences: [], skipped: [{ budgetId: 'day', bucket: sum?.bucket, reason }] })
      expect((await brought(world.project))[0]).toBe(61n)
    })
  })
}

function spanOf(call: {
  readonly id: number
  readonly at: number
  readonly cost: number
  readonly revision: number
  readonly reservation?: string | undefined
}): PricedSpan {
  const { id, at, cost, revision, reservation } = call
  const time = BigInt(at) * 1_000_000n
  const span = buildSpan({ traceId: '1', spanId: id.toString(16) })
  const attributes = new Map(span.attributes)
  if (reservation !== undefined) attributes.set(RESERVATION_ATTRIBUTE, reservation)
  return {
    span: {
      ...{ ...span, attributes },
      ...{ startTimeUnixNano: time, endTimeUnixNano: time + 1n },
    },
    ledger: {
      ...EMPTY_LEDGER,
      operation: 'chat',
      model: 'm',
      costStatus: 'priced',
      costPicoUsd: BigInt(cost),
      revision,
    },
  }
}
