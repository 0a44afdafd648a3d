import { isIP } from 'node:net'
import type { Config } from '../shared/config.ts'
import { describeError } from '../shared/errors.ts'

/** Whether only this machine reaches what listens on `host`. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

/** What answers to `localhost` everywhere; to some machines that is no name of `::1`, and to none of 127.0.0.2. */
const LOCALHOST = ['localhost', '127.0.0.1', '0.0.0.0', '::']

/** Where clients on this machine find what listens on `host`. */
export function urlOf(host: string, port: number): string {
  const name = LOCALHOST.includes(host) ? 'localhost' : isIP(host) === 6 ? `[${host}]` : host
  return `http://${name}:${port}`
}

/** What `npm start` prints once it serves. `needsFirstKey`: every request needs a key, and there is none. */
export function banner(url: string, config: Config, { needsFirstKey }: { readonly needsFirstKey: boolean }): string {
  return [
    `Spanledger is ready at ${url}`,
    `  send   OTEL_EXPORTER_OTLP_ENDPOINT=${url}   (POST ${url}/v1/traces)`,
    `  see    ${url}/ledger/v1/traces   ${url}/ledger/v1/usage   ${url}/ledger/v1/openapi.json`,
    `  query  ${config.SPANLEDGER_DATA}/lake/traces/**/*.parquet with DuckDB`,
    ...(needsFirstKey
      ? ['  keys   every request needs one: npm run keys -- create --project NAME --scopes ingest,read,admin']
      : []),
    '  stop   Ctrl-C',
    '',
  ].join('\n')
}

/** The setting that is wrong, by what the operating system says to an address. */
const ADDRESS_SETTINGS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'PORT',
  EACCES: 'PORT',
  EADDRNOTAVAIL: 'SPANLEDGER_HOST',
  ENOTFOUND: 'SPANLEDGER_HOST',
  EAI_AGAIN: 'SPANLEDGER_HOST',
}

/** SQLite's own number for a full disk. */
const SQLITE_FULL = 13

/** What kept the server from starting, and what to do where that is known. */
export function describeStartError(error: unknown): string {
  if (isDiskFull(error)) return 'the disk is full; free some space and start again'
  const setting = isAddressError(error) ? ADDRESS_SETTINGS[error.code ?? ''] : undefined
  return describeError(error) + (setting === undefined ? '' : `; set ${setting} to another`)
}

function isDiskFull(error: unknown): boolean {
  const { code, errcode } = (error ?? {}) as { code?: unknown; errcode?: unknown }
  return code === 'ENOSPC' || errcode === SQLITE_FULL
}

/** Whether an address could not be listened on, which is for whoever chose it to change. */
export function isAddressError(error: unknown): error is NodeJS.ErrnoException {
  const { syscall } = (error ?? {}) as NodeJS.ErrnoException
  return syscall === 'listen' || syscall === 'getaddrinfo'
}
