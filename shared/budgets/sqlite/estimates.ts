import type { Amounts } from '../amount.ts'
import { addToHistory, estimateOf, type History, NO_HISTORY, type Sample } from '../estimate.ts'
import type { Books } from './books.ts'

/** Adds what calls took to the histories of their models: one write a model. */
export function addSamples(books: Books, project: string, samples: readonly Sample[]): void {
  const byModel = Map.groupBy(samples, ({ model }) => model)
  for (const [model, own] of byModel) {
    const body = JSON.stringify(addToHistory(readHistory(books, project, model), own))
    books.db.run('INSERT OR REPLACE INTO models VALUES (?, ?, ?)', project, model, body)
  }
}

export function readEstimate(books: Books, project: string, model: string): Required<Amounts> {
  return estimateOf(readHistory(books, project, model))
}

function readHistory({ db }: Books, project: string, model: string): History {
  const row = db.get('SELECT body FROM models WHERE project = ? AND model = ?', project, model)
  return row === undefined ? NO_HISTORY : JSON.parse(String(row.body))
}
