import type { MessagePort } from 'node:worker_threads'
import { describeError, type ErrorCode, SpanledgerError } from '../../errors.ts'

type Method = (...args: never[]) => Promise<unknown>
type Request = { readonly id: number; readonly method: string; readonly args: unknown[] }
type Reply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: { readonly code?: ErrorCode; readonly message: string } }

/** An object whose methods are answered by another thread. */
export interface RemoteCaller {
  call(method: string, args: unknown[]): Promise<unknown>
  /** Rejects what is under way and every later call with `store/unavailable`. */
  close(reason: string): void
}

/** Answers calls on `port` with the methods of `target`. Arguments and results are structured clones. */
export function serveRemote(port: MessagePort, target: object): void {
  port.on('message', async ({ id, method, args }: Request) => {
    try {
      const value = await (target as Record<string, Method>)[method]?.(...(args as never[]))
      port.postMessage({ id, value } satisfies Reply)
    } catch (error) {
      const code = error instanceof SpanledgerError ? { code: error.code } : {}
      port.postMessage({ id, error: { ...code, message: describeError(error) } } satisfies Reply)
    }
  })
}

/** The calling side of {@link serveRemote}. */
export function createRemoteCaller(port: MessagePort): RemoteCaller {
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: unknown) => void }>()
  let last = 0
  let closed: string | undefined
  port.on('message', (reply: Reply) => {
    const call = waiting.get(reply.id)
    waiting.delete(reply.id)
    if ('error' in reply) call?.reject(revive(reply.error))
    else call?.resolve(reply.value)
  })
  return {
    call(method, args) {
      if (closed !== undefined) return Promise.reject(new SpanledgerError('store/unavailable', closed))
      return new Promise((resolve, reject) => {
        const id = ++last
        waiting.set(id, { resolve, reject })
        port.postMessage({ id, method, args } satisfies Request)
      })
    },
    close(reason) {
      closed = reason
      for (const { reject } of waiting.values()) reject(new SpanledgerError('store/unavailable', reason))
      waiting.clear()
      port.close()
    },
  }
}

function revive({ code, message }: { code?: ErrorCode; message: string }): Error {
  if (code === undefined) return new Error(message)
  return new SpanledgerError(code, message.slice(message.indexOf(': ') + 2))
}
