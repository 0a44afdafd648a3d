import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { createApiKey } from '../shared/auth/api-key.ts'
import type { ApiKey, KeyStore, Scope } from '../shared/auth/key-store.ts'
import { readConfig } from '../shared/config.ts'
import { describeError, SpanledgerError } from '../shared/errors.ts'
import { openPlatform } from '../shared/platform/platform.ts'

const USAGE = `API keys of the platform that SPANLEDGER_PLATFORM names. Works while the server runs, which heeds a revocation within half
a minute.

  npm run keys -- create --project NAME [--scopes ingest,read] [--name TEXT]
  npm run keys -- list --project NAME
  npm run keys -- revoke ID

Scopes are ingest (send spans), read (ask) and admin (set budgets and prices); none implies another.
Once there is a key, every request needs one.`

/** Runs one command against `keys` and returns what to print. Throws `config/invalid` with what to do instead. */
export async function runKeys(args: readonly string[], keys: KeyStore, now: number): Promise<string> {
  const { values, positionals } = parse(args)
  const [command, ...rest] = positionals
  if (command === 'create' && rest.length === 0) {
    const scopes = (values.scopes ?? 'ingest,read').split(',').map((scope) => scope.trim()) as Scope[]
    const { key, token } = createApiKey({ project: project(values.project), scopes, name: values.name ?? '', now })
    await keys.create(key)
    return `${token}\n\nThis is the only time it is shown. Send it as: authorization: Bearer ${token}`
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
  throw new SpanledgerError('config/invalid', `say what to do\n\n${USAGE}`)
}

function parse(args: readonly string[]) {
  const options = { project: { type: 'string' }, scopes: { type: 'string' }, name: { type: 'string' } } as const
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true })
  } catch (error) {
    throw new SpanledgerError('config/invalid', `${describeError(error)}\n\n${USAGE}`)
  }
}

function project(given: string | undefined): string {
  if (given === undefined) throw new SpanledgerError('config/invalid', 'say of which project: --project NAME')
  return given
}

function describeKey({ id, scopes, name, createdAt, revokedAt }: ApiKey): string {
  const made = `made ${new Date(createdAt).toISOString()}`
  const revoked = revokedAt === null ? [] : [`revoked ${new Date(revokedAt).toISOString()}`]
  return [id, scopes.join(','), JSON.stringify(name), made, ...revoked].join('  ')
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    const keys = await (await openPlatform(readConfig())).openKeyStore()
    try {
      console.log(await runKeys(process.argv.slice(2), keys, Date.now()))
    } finally {
      await keys.close()
    }
  } catch (error) {
    console.error(describeError(error))
    process.exitCode = 1
  }
}
