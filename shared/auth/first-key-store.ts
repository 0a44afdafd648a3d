import { createHmac, randomBytes } from 'node:crypto'
import { SpanledgerError } from '../errors.ts'
import { parseApiKey } from './api-key.ts'
import { type ApiKey, type KeyStore, SCOPES } from './key-store.ts'

/** The project of the first key. */
export const FIRST_PROJECT = 'default'

/**
 * `store`, and besides the key of a new deployment, which its configuration holds and no store has yet. Revoking it puts it into
 * the store, which is asked first, so that it stays revoked. Throws `config/invalid` for what is no key.
 */
export function withFirstKey(store: KeyStore, token: string | undefined): KeyStore {
  if (token === undefined) return store
  const first = firstKey(token)
  return {
    ...store,
    get: async (id) => (await store.get(id)) ?? (id === first.id ? first : undefined),
    async revoke(id, at) {
      if (id === first.id && (await store.get(id)) === undefined) await store.create({ ...first, revokedAt: at })
      else await store.revoke(id, at)
    },
    async list(project) {
      const stored = await store.list(project)
      return project !== first.project || stored.some(({ id }) => id === first.id) ? stored : [first, ...stored]
    },
    any: async () => true,
  }
}

function firstKey(token: string): ApiKey {
  const parsed = parseApiKey(token)
  if (parsed === undefined) throw new SpanledgerError('config/invalid', 'SPANLEDGER_FIRST_KEY is not slk_<id>.<secret>')
  const salt = randomBytes(16)
  const hash = createHmac('sha256', salt).update(parsed.secret).digest('hex')
  return {
    id: parsed.id,
    project: FIRST_PROJECT,
    scopes: SCOPES,
    name: 'made by the deployment',
    salt: salt.toString('hex'),
    hash,
    createdAt: 0,
    revokedAt: null,
  }
}
