import { createHash } from 'node:crypto'

/** Short content hash of anything that is JSON. */
export function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 12)
}
