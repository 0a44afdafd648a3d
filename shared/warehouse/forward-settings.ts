import type { Config } from '../config.ts'
import { SpanledgerError } from '../errors.ts'
import type { ForwardOptions } from './forward-writer.ts'

type ForwardConfig = Pick<
  Config,
  'SPANLEDGER_FORWARD_URL' | 'SPANLEDGER_FORWARD_HEADERS' | 'SPANLEDGER_FORWARD_PROJECTS'
>

/** Reads where spans are forwarded to. Throws `config/invalid`, which never says what a header holds. */
export function readForward(config: ForwardConfig): ForwardOptions {
  const { SPANLEDGER_FORWARD_URL: url, SPANLEDGER_FORWARD_HEADERS: headers } = config
  if (url === undefined)
    throw new SpanledgerError('config/invalid', 'SPANLEDGER_FORWARD_URL: set it to an OTLP endpoint')
  return {
    url,
    headers: readHeaders(headers),
    projects: config.SPANLEDGER_FORWARD_PROJECTS.split(',')
      .map((name) => name.trim())
      .filter(Boolean),
  }
}

/** `key=value,key=value`, values percent-encoded, as OTEL_EXPORTER_OTLP_HEADERS has it. */
function readHeaders(text: string): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const pair of text.split(',')) {
    const [key = '', ...value] = pair.split('=')
    const name = key.trim()
    if (name === '') continue
    try {
      headers[name] = decodeURIComponent(value.join('=').trim())
      // What cannot be sent is found here, not with the first span.
      new Headers({ [name]: headers[name] })
    } catch {
      // Its cause would quote the header.
      throw new SpanledgerError(
        'config/invalid',
        'SPANLEDGER_FORWARD_HEADERS: write key=value,key=value with percent-encoded values',
      )
    }
  }
  return headers
}
