import { SpanledgerError } from '../errors.ts'
import { parseApiKey, verifySecret } from './api-key.ts'
import type { Authenticate, Principal } from './authenticate.ts'
import { type ApiKey, type KeyStore, SCOPES, type Scope } from './key-store.ts'

/** The project of spans that come in on loopback while there are no keys. */
const LOOPBACK_PROJECT = 'default'

const MAX_HEADER = 512
const MAX_CACHED_KEYS = 1_000
const MAX_CACHE_MS = 60_000

export interface KeyAuthenticateOptions {
  readonly keys: KeyStore
  /** Whether a key is demanded even before one is made. Only a server that listens on loopback alone may say false. */
  readonly requireKeys: boolean
  /** @defaultValue {@link LOOPBACK_PROJECT} */
  readonly loopbackProject?: string
  /** How long a key may be used after it is revoked, in milliseconds: at most 60,000. @defaultValue 30,000 */
  readonly cacheMs?: number
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

/** Authentication by API key. Rejects besides with `store/unavailable` when the key store does not answer. */
export function createAuthenticate(options: KeyAuthenticateOptions): Authenticate {
  const { keys, requireKeys, loopbackProject = LOOPBACK_PROJECT, cacheMs = 30_000, now = Date.now } = options
  if (!(cacheMs >= 0 && cacheMs <= MAX_CACHE_MS)) {
    throw new SpanledgerError('config/invalid', `keys are cached for 0 to ${MAX_CACHE_MS} ms`)
  }
  const loopback: Principal = { project: loopbackProject, keyId: '', scopes: SCOPES }
  // Keys are never deleted, only revoked: once there is one, there always is.
  let keyMade = requireKeys
  // Only keys that exist are cached, so a flood of made-up ids cannot push them out.
  const cache = new Map<string, { readonly key: ApiKey; readonly readAt: number }>()

  async function find(id: string): Promise<ApiKey | undefined> {
    const cached = cache.get(id)
    if (cached !== undefined && now() - cached.readAt < cacheMs) return cached.key
    cache.delete(id)
    const readAt = now()
    const key = await keys.get(id)
    if (key === undefined) return undefined
    cache.set(id, { key, readAt })
    if (cache.size > MAX_CACHED_KEYS) cache.delete(cache.keys().next().value as string)
    return key
  }

  return async (authorization, scope) => {
    // Some SDKs send a token of their own to any endpoint. One of ours must hold even so: its project is not this one.
    keyMade ||= await keys.any()
    if (!keyMade && !/^bearer +slk_/i.test(authorization ?? '')) return loopback
    if (authorization === null) throw new SpanledgerError('auth/missing', 'send the header authorization: Bearer slk_…')
    const token = authorization.length <= MAX_HEADER ? /^bearer +(\S+) *$/i.exec(authorization)?.[1] : undefined
    const parsed = token === undefined ? undefined : parseApiKey(token)
    if (parsed === undefined) throw new SpanledgerError('auth/invalid', 'the authorization header is not Bearer slk_…')
    const key = await find(parsed.id)
    if (!verifySecret(key, parsed.secret) || key === undefined || key.revokedAt !== null) {
      throw new SpanledgerError('auth/invalid', 'this key is unknown or revoked')
    }
    return permit(key, scope)
  }
}

function permit({ id, project, scopes }: ApiKey, scope: Scope): Principal {
  if (scopes.includes(scope)) return { project, keyId: id, scopes }
  throw new SpanledgerError('auth/forbidden', `this key lacks the scope ${scope}; it has ${scopes.join(', ')}`)
}
