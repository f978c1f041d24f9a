import type { Clock } from '../../../src/base/index.ts'
import { Hub, type OpenStream } from './hub.ts'
import type { ToHub } from './messages.ts'

/** The SharedWorker: one per browser and base path, so that any number of tabs costs one connection. */

const clock: Clock = {
  now: () => Date.now(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs)
    return () => clearTimeout(timer)
  },
}

const open: OpenStream = (url, handlers) => {
  const source = new EventSource(url)
  source.addEventListener('open', handlers.opened)
  source.addEventListener('overview', event => handlers.overview(String(event.data)))
  source.addEventListener('error', handlers.failed)
  // The server could not make an overview: it is as good as no stream, and asking again tells why.
  source.addEventListener('failed', handlers.failed)
  return { close: () => source.close() }
}

const hub = new Hub(open, clock)

// The DOM types know no SharedWorkerGlobalScope: this is all of it that is used.
const scope = self as unknown as { onconnect: (event: MessageEvent) => void }
scope.onconnect = event => {
  const [port] = event.ports
  if (port === undefined) return
  const member = { post: (message: unknown) => port.postMessage(message) }
  port.onmessage = (message: MessageEvent<ToHub>) => hub.receive(member, message.data)
}
