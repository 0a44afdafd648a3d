import { addToHistory, type History, NO_HISTORY, type Sample } from '../estimate.ts'
import type { DebitBatch } from '../ledger.ts'
import { nameOf } from './documents.ts'
import type { Shelf } from './project.ts'

/** How often the history of one model is written: an estimate need not be of the last second. */
const WRITE_EVERY_MS = 5 * 60_000
const MAX_MODELS = 1_000

interface Gathered {
  readonly project: string
  readonly model: string
  samples: Sample[]
  writtenAt: number
}

/**
 * Gathers what calls took and writes it to the histories of their models every five minutes and instance. What an instance has gathered
 * when it ends is lost, and of two that write at once one wins: estimates are drawn from many calls and lose little by it.
 */
export function createHistories({ collections, now }: Shelf): { add(batches: readonly DebitBatch[]): Promise<void> } {
  const gathered = new Map<string, Gathered>()
  return {
    async add(batches) {
      for (const { project, samples } of batches) {
        for (const sample of samples) {
          const name = nameOf(project, sample.model)
          let own = gathered.get(name)
          if (own === undefined) {
            if (gathered.size >= MAX_MODELS) gathered.clear()
            own = { project, model: sample.model, samples: [], writtenAt: 0 }
            gathered.set(name, own)
          }
          if (own.samples.length < 1_000) own.samples.push(sample)
        }
      }
      const due = [...gathered].filter(
        ([, { samples, writtenAt }]) => samples.length > 0 && now() - writtenAt >= WRITE_EVERY_MS,
      )
      await Promise.all(due.map(([name, own]) => write(name, own)))
    },
  }

  async function write(name: string, own: Gathered): Promise<void> {
    const { project, model, samples } = own
    own.samples = []
    own.writtenAt = now()
    const ref = collections.models.doc(name)
    const body = (await ref.get()).get('body')
    const history = body === undefined ? NO_HISTORY : (JSON.parse(body) as History)
    await ref.set({ project: nameOf(project), model, body: JSON.stringify(addToHistory(history, samples)) })
  }
}
