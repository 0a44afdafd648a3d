import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { SpanledgerError } from '../../errors.ts'
import { serveRemote } from './rpc.ts'

// The thread that supervisor.test.ts supervises.
const { rpc, mode } = workerData as { rpc: MessagePort; mode?: string }
if (mode === 'broken') throw new Error('cannot open the store')
serveRemote(rpc, {
  double: async (value: bigint) => value * 2n,
  refuse: async () => {
    throw new SpanledgerError('query/invalid', 'no such thing')
  },
  crash: () => {
    setImmediate(() => {
      throw new Error('crashed')
    })
    return new Promise(() => {})
  },
})
parentPort?.on('message', (message) => {
  if (message === 'drain' && mode !== 'stuck' && mode !== 'busy') process.exit(0)
  if (message === 'stop' && mode !== 'stuck') process.exit(0)
})
parentPort?.postMessage('ready')
