import type { CustomPrice } from './custom-price.ts'

/** The prices of one's own of one project, in their order, and which change of them this is. */
export interface ProjectPrices {
  readonly prices: readonly CustomPrice[]
  /** Another after every change; `0` for a project that has never set any. */
  readonly version: string
}

/** The prices of one's own of every project. Rejects with `store/unavailable` when it does not answer. */
export interface PriceStore {
  get(project: string): Promise<ProjectPrices>
  /**
   * Takes the place of all that the project has. Given `ifVersion`, only if they are of that version still: else nothing is
   * changed, and the answer is undefined.
   */
  replace(project: string, prices: readonly CustomPrice[], ifVersion?: string): Promise<ProjectPrices | undefined>
  close(): Promise<void>
}
