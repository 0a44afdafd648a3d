import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An alert as a receiver got it. */
export interface ReceivedAlert {
  readonly id: string
  readonly budget: string
  readonly period: string
  readonly threshold: number
  /** Whether its signature is that of the secret over the time and body that came. */
  readonly isSigned: boolean
}

/** A receiver of alerts on this machine. */
export interface WebhookReceiver {
  readonly url: string
  readonly secret: string
  readonly alerts: readonly ReceivedAlert[]
  close(): Promise<void>
}

export async function startWebhook(): Promise<WebhookReceiver> {
  const secret = 'a secret that only sender and receiver know'
  const alerts: ReceivedAlert[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      const [, seconds, signature] =
        /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(request.headers['spanledger-signature'])) ?? []
      const expected = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')
      alerts.push({ ...JSON.parse(body), isSigned: signature === expected })
      response.end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/alerts`,
    secret,
    alerts,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
