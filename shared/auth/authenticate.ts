import type { Scope } from './key-store.ts'

/** Who is calling: one project, by one key (`keyId` is '' where no key was needed). */
export interface Principal {
  readonly project: string
  readonly keyId: string
  readonly scopes: readonly Scope[]
}

/**
 * Checks an `Authorization` header value (null if the request has none). Rejects with `auth/missing` or `auth/invalid`
 * (401), or `auth/forbidden` (403) when the key lacks `scope`.
 */
export type Authenticate = (authorization: string | null, scope: Scope) => Promise<Principal>
