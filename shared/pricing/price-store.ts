import type { CustomPrice } from './custom-price.ts'

/** The prices of one's own of every project. Rejects with `store/unavailable` when it does not answer. */
export interface PriceStore {
  /** In their order; none for a project that has set none. */
  list(project: string): readonly CustomPrice[]
  /** Takes the place of all that the project has. */
  replace(project: string, prices: readonly CustomPrice[]): void
  /** Changes whenever any project's prices may have; cheap enough for every message. */
  revision(): number
  close(): void
}
