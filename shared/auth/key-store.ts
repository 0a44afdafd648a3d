export const SCOPES = ['ingest', 'read', 'admin'] as const
export type Scope = (typeof SCOPES)[number]

/** What is stored of an API key `slk_<id>.<secret>`: never the secret. */
export interface ApiKey {
  readonly id: string
  readonly project: string
  readonly scopes: readonly Scope[]
  readonly name: string
  /** Hex salt and hex hash of the secret (`shared/auth/api-key.ts`). */
  readonly salt: string
  readonly hash: string
  /** Milliseconds since 1970. */
  readonly createdAt: number
  readonly revokedAt: number | null
}

/** Keys of all projects. */
export interface KeyStore {
  /** Undefined when there is none; a revoked key is returned with its `revokedAt`. */
  get(id: string): Promise<ApiKey | undefined>
  /** Rejects with `store/rejected` when the id is taken. */
  create(key: ApiKey): Promise<void>
  revoke(id: string, at: number): Promise<void>
  list(project: string): Promise<ApiKey[]>
  /** Whether any key was ever made: until then the embedded server needs none on loopback. */
  any(): Promise<boolean>
  close(): Promise<void>
}
