import type { HttpPorts } from './ports.ts'

const KEEP_ALIVE_MS = 15_000

/** A client that has not taken this many events is slow; it is dropped and will come back by itself. */
const MAX_BEHIND = 8

/**
 * The stream of `/api/celeriac/live`: event `overview` after every collection cycle. One rendering serves all clients, and none
 * happens while nobody listens.
 */
export function createLiveStream(ports: HttpPorts): { open(signal: AbortSignal): Response; close(): void } {
  const clients = new Set<ReadableStreamDefaultController<Uint8Array>>()
  const encoder = new TextEncoder()
  let stopCycle: (() => void) | undefined
  let keepAlive: NodeJS.Timeout | undefined

  const drop = (client: ReadableStreamDefaultController<Uint8Array>): void => {
    if (!clients.delete(client)) return
    try {
      client.close()
    } catch (error) {
      // A stream that the other side cancelled is closed already; anything else is a fault of ours.
      if (!(error instanceof TypeError)) throw error
    }
    if (clients.size === 0) {
      stopCycle?.()
      clearInterval(keepAlive)
      stopCycle = undefined
    }
  }

  const broadcast = (text: string): void => {
    const chunk = encoder.encode(text)
    for (const client of clients) {
      if ((client.desiredSize ?? 0) < -MAX_BEHIND) drop(client)
      else client.enqueue(chunk)
    }
  }

  const render = async (): Promise<string> =>
    `event: overview\ndata: ${JSON.stringify(await ports.overview())}\n\n`

  const begin = (): void => {
    stopCycle = ports.onCycle(() => {
      void render().then(broadcast, (error: unknown) =>
        broadcast(`event: failed\ndata: ${JSON.stringify(String(error))}\n\n`),
      )
    })
    keepAlive = setInterval(() => broadcast(': still here\n\n'), KEEP_ALIVE_MS)
    keepAlive.unref()
  }

  return {
    open(signal) {
      let self: ReadableStreamDefaultController<Uint8Array> | undefined
      const stream = new ReadableStream<Uint8Array>({
        async start(controller) {
          self = controller
          const first = await render()
          if (signal.aborted) return
          controller.enqueue(encoder.encode(`retry: 5000\n${first}`))
          clients.add(controller)
          if (clients.size === 1) begin()
          signal.addEventListener('abort', () => drop(controller), { once: true })
        },
        cancel() {
          if (self !== undefined) drop(self)
        },
      })
      return new Response(stream, {
        headers: {
          'content-type': 'text/event-stream',
          'cache-control': 'no-store',
          'x-accel-buffering': 'no',
        },
      })
    },
    close() {
      for (const client of clients) drop(client)
    },
  }
}
