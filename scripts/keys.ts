import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { createApiKey } from '../shared/auth/api-key.ts'
import type { ApiKey, KeyStore, Scope } from '../shared/auth/key-store.ts'
import { readConfig } from '../shared/config.ts'
import { SpanledgerError } from '../shared/errors.ts'
import { openPlatform } from '../shared/platform/platform.ts'
import { misuse, runCommand } from './command.ts'

const USAGE = `API keys of the platform that SPANLEDGER_PLATFORM names. Works while the server runs, which heeds a revocation within half
a minute.

  npm run keys -- create --project NAME [--scopes ingest,read] [--name TEXT]
  npm run keys -- list --project NAME
  npm run keys -- revoke ID

Scopes are ingest (send spans), read (ask) and admin (set budgets and prices); none implies another.
Once there is a key, every request needs one.`

export interface KeysOptions {
  readonly keys: KeyStore
  /** Milliseconds since 1970. */
  readonly now: number
  /** What `keys` open, in words: a server that keeps its own elsewhere knows nothing of them. */
  readonly place: string
}

/** Runs one command against `keys` and returns what to print. Throws `command/invalid` or `config/invalid` with what to do instead. */
export async function runKeys(args: readonly string[], { keys, now, place }: KeysOptions): Promise<string> {
  const options = { project: { type: 'string' }, scopes: { type: 'string' }, name: { type: 'string' } } as const
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
  const [command, ...rest] = positionals
  if (command === 'create' && rest.length === 0) {
    const scopes = (values.scopes ?? 'ingest,read').split(',').map((scope) => scope.trim()) as Scope[]
    const { key, token } = createApiKey({ project: project(values.project), scopes, name: values.name ?? '', now })
    await keys.create(key)
    return `${token}\n\nThis is the only time it is shown. Send it as: authorization: Bearer ${token}\nIt opens ${place}.`
  }
  if (command === 'list' && rest.length === 0) {
    const list = await keys.list(project(values.project))
    return list.length === 0 ? 'no keys' : list.map(describeKey).join('\n')
  }
  if (command === 'revoke' && rest.length === 1) {
    const id = /^(?:slk_)?([0-9a-f]{16})$/.exec(rest[0] as string)?.[1]
    const key = id === undefined ? undefined : await keys.get(id)
    if (key === undefined) throw new SpanledgerError('config/invalid', 'there is no such key; list shows the ids')
    await keys.revoke(key.id, now)
    return `revoked ${key.id}`
  }
  throw misuse('say what to do: create, list, or revoke ID')
}

function project(given: string | undefined): string {
  if (given === undefined) throw misuse('say of which project: --project NAME')
  return given
}

function describeKey({ id, scopes, name, createdAt, revokedAt }: ApiKey): string {
  const made = `made ${new Date(createdAt).toISOString()}`
  const revoked = revokedAt === null ? [] : [`revoked ${new Date(revokedAt).toISOString()}`]
  return [id, scopes.join(','), JSON.stringify(name), made, ...revoked].join('  ')
}

async function main(args: readonly string[]): Promise<string> {
  const config = readConfig()
  const keys = await (await openPlatform(config)).openKeyStore()
  const { SPANLEDGER_DATA: data, SPANLEDGER_GCP_PROJECT: project, SPANLEDGER_GCP_DATABASE: database } = config
  const place =
    config.SPANLEDGER_PLATFORM === 'gcp'
      ? `the deployment with the database ${database} of ${project}`
      : `the server whose SPANLEDGER_DATA is ${resolve(data)}`
  try {
    return await runKeys(args, { keys, now: Date.now(), place })
  } finally {
    await keys.close()
  }
}

if (import.meta.main) await runCommand(USAGE, main)
