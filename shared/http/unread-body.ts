import type { IncomingMessage, ServerResponse } from 'node:http'

/**
 * As a listener of a server's `request`: lets what is left of a body pass once its request is answered. Who begins to read a body and
 * refuses it holds up all that follows on the connection, and a client that keeps it would lose its next request.
 */
export function dropUnreadBody(incoming: IncomingMessage, outgoing: ServerResponse): void {
  outgoing.once('finish', () => {
    if (incoming.readableEnded) return
    // The stream that was made of it pauses it at each chunk.
    incoming.removeAllListeners('data')
    incoming.resume()
  })
}
