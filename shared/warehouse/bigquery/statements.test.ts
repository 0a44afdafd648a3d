import sqlParser from 'node-sql-parser'
import { expect, test } from 'vitest'
import { selectAll, selectTrace } from '../sql/spans.ts'
import type { Sql } from '../sql/statement.ts'
import { selectTraces } from '../sql/traces.ts'
import { selectUsage } from '../sql/usage.ts'
import { bookStatement } from './book-statement.ts'
import { receivedStatement, storedStatement } from './counts.ts'
import { bigQueryDialect } from './dialect.ts'
import { scoped, uniqueSpansView } from './scope.ts'

const DATASET = 'my-project.spanledger'
const filter = { project: 'p', from: 1n, to: 2n, user: ['a', 'b'], attributes: [{ key: 'k', value: 'v' }] }
const scope = { project: 'p', from: 1n, to: 2n }

function named({ text }: Sql): string {
  let index = 0
  return text.replaceAll('?', () => `@p${index++}`)
}

const STATEMENTS: Readonly<Record<string, string>> = {
  trace: named(scoped(selectTrace('p', 'ab', 10, bigQueryDialect), { project: 'p', traceId: 'ab' }, DATASET)),
  traces: named(
    scoped(selectTraces({ filter, sort: 'cost', order: 'desc', pageSize: 5 }, null, bigQueryDialect), scope, DATASET),
  ),
  usage: named(
    scoped(
      selectUsage({ filter, groupBy: ['model'], intervalNanos: 3_600_000_000_000n, maxRows: 5 }, bigQueryDialect),
      scope,
      DATASET,
    ),
  ),
  unpriced: named(
    scoped(
      selectUsage({ filter, groupBy: ['model', 'reason', 'serviceTier'], maxRows: 5 }, bigQueryDialect),
      scope,
      DATASET,
    ),
  ),
  scan: named(
    scoped(
      selectAll(
        { filter: { project: 'p', traceIds: { from: '4', to: '8' }, tracesWith: filter }, order: 'trace' },
        bigQueryDialect,
      ),
      { ...scope, traceIds: { from: '4', to: '8' } },
      DATASET,
    ),
  ),
  received: named(receivedStatement('p', DATASET)),
  stored: named(storedStatement('p', DATASET, { to: 86_400_000 })),
  books: named(bookStatement('p', DATASET)),
  spans_unique: uniqueSpansView(DATASET),
}

test.each(Object.keys(STATEMENTS))('the statement of %s is as it was, and BigQuery by its grammar', async (name) => {
  const statement = STATEMENTS[name] as string
  await expect(`${statement}\n`).toMatchFileSnapshot(`golden/${name}.sql`)
  // The grammar lacks what BigQuery documents for ARRAY_AGG and its result.
  const known = statement
    .replaceAll(/DISTINCT NULLIF\((\w+), ''\)/g, '$1')
    .replaceAll(/ IGNORE NULLS( ORDER BY IF\([\s\S]*?, duration_ns, NULL\))?/g, '')
    .replaceAll(/\[SAFE_ORDINAL\(DIV\(\(COUNTIF\([\s\S]*?\) \* \d+ \+ 99\), 100\)\)\]/g, '')
  expect(() => new sqlParser.Parser().astify(known, { database: 'BigQuery' })).not.toThrow()
})
