import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { SpanledgerError } from '../errors.ts'
import { type ApiKey, SCOPES, type Scope } from './key-store.ts'

const ID_BYTES = 8
const SALT_BYTES = 16
const SECRET_BYTES = 32
const TOKEN = /^slk_([0-9a-f]{16})\.([A-Za-z0-9_-]{43})$/
const PROJECT = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/
const MAX_NAME = 200

export interface ApiKeyOptions {
  /** 1 to 63 letters, digits, dots, dashes and underscores. */
  readonly project: string
  /** At least one. None implies another. */
  readonly scopes: readonly Scope[]
  /** What it is for, for people; at most 200 characters. */
  readonly name: string
  /** Milliseconds since 1970. */
  readonly now: number
}

/** Makes a key. `token` is what the client sends and is shown once; `key` is what is stored. Throws `command/invalid`. */
export function createApiKey({ project, scopes, name, now }: ApiKeyOptions): { token: string; key: ApiKey } {
  if (!PROJECT.test(project)) {
    throw new SpanledgerError(
      'command/invalid',
      'a project is 1 to 63 letters, digits, dots, dashes and underscores, the first a letter or digit',
    )
  }
  const wrong = scopes.find((scope) => !SCOPES.includes(scope))
  if (scopes.length === 0 || wrong !== undefined) {
    throw new SpanledgerError('command/invalid', `a key needs scopes, any of ${SCOPES.join(', ')}`)
  }
  if (name.length > MAX_NAME)
    throw new SpanledgerError('command/invalid', `a key's name has at most ${MAX_NAME} characters`)
  const id = randomBytes(ID_BYTES).toString('hex')
  const secret = randomBytes(SECRET_BYTES).toString('base64url')
  const salt = randomBytes(SALT_BYTES).toString('hex')
  const hash = hashSecret(secret, salt).toString('hex')
  const key = { id, project, scopes: [...new Set(scopes)], name, salt, hash, createdAt: now, revokedAt: null }
  return { token: `slk_${id}.${secret}`, key }
}

/** The parts of `slk_<id>.<secret>`; undefined for any other text. */
export function parseApiKey(token: string): { id: string; secret: string } | undefined {
  const [, id, secret] = TOKEN.exec(token) ?? []
  return id === undefined || secret === undefined ? undefined : { id, secret }
}

/** Whether `secret` is that of `key`. Takes the same time for a wrong secret, a right one and no key at all. */
export function verifySecret(key: Pick<ApiKey, 'salt' | 'hash'> | undefined, secret: string): boolean {
  const expected = key ?? NO_KEY
  const hash = Buffer.from(expected.hash, 'hex')
  const given = hashSecret(secret, expected.salt)
  return hash.length === given.length && timingSafeEqual(hash, given) && key !== undefined
}

/**
 * One HMAC is enough, and a slow hash would be wrong: the secret is 256 random bits, not a password, so there is nothing to
 * guess from a stolen hash however fast it is computed, while scrypt on every request would let anyone exhaust the CPU.
 */
function hashSecret(secret: string, salt: string): Buffer {
  return createHmac('sha256', Buffer.from(salt, 'hex')).update(secret).digest()
}

const NO_KEY = { salt: '00'.repeat(SALT_BYTES), hash: '00'.repeat(32) }
