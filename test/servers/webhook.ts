import { createServer, type IncomingHttpHeaders } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

const MAX_BODY_BYTES = 4 * 1024 * 1024

/** One request as it came. */
export interface ReceivedRequest {
  readonly atMs: number
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** The body parsed; undefined when it is not JSON. */
  readonly json: unknown
}

/** How to answer a request: a status, more headers, a delay. Left out: 200 at once. */
export interface WebhookAnswer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly delayMs?: number
}

export interface WebhookReceiver {
  /** `http://127.0.0.1:port`, without a path. */
  readonly url: string
  readonly requests: readonly ReceivedRequest[]
  /** Decides about the following requests, for slow and failing receivers. */
  answerWith(answer: (request: ReceivedRequest, count: number) => WebhookAnswer): void
  /** Resolves with the first request that `wanted` accepts, past ones included; rejects after `timeoutMs` telling what came instead. */
  until(wanted: (request: ReceivedRequest) => boolean, timeoutMs: number): Promise<ReceivedRequest>
  stop(): Promise<void>
}

/** A local HTTP server on a free loopback port that writes down every request. */
export async function startWebhook(): Promise<WebhookReceiver> {
  const requests: ReceivedRequest[] = []
  let decide: (request: ReceivedRequest, count: number) => WebhookAnswer = () => ({})
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = []
    let bytes = 0
    incoming.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > MAX_BODY_BYTES) incoming.destroy()
      else chunks.push(chunk)
    })
    incoming.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8')
      const request: ReceivedRequest = {
        atMs: Date.now(),
        method: incoming.method ?? '',
        path: incoming.url ?? '',
        headers: incoming.headers,
        text,
        json: parsed(text),
      }
      requests.push(request)
      const answer = decide(request, requests.length)
      setTimeout(() => {
        outgoing.writeHead(answer.status ?? 200, answer.headers)
        outgoing.end(answer.body ?? 'ok')
      }, answer.delayMs ?? 0)
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  if (address === null || typeof address !== 'object') throw new Error('the webhook receiver got no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    answerWith(answer) {
      decide = answer
    },
    async until(wanted, timeoutMs) {
      const deadline = Date.now() + timeoutMs
      for (;;) {
        const found = requests.find(wanted)
        if (found !== undefined) return found
        if (Date.now() > deadline) {
          const came = requests.map(
            request => `${request.method} ${request.path} ${request.text.slice(0, 300)}`,
          )
          throw new Error(`no such request in ${timeoutMs} ms; ${came.length} came:\n${came.join('\n')}`)
        }
        await sleep(20)
      }
    },
    async stop() {
      server.closeAllConnections()
      await new Promise<void>(resolve => server.close(() => resolve()))
    },
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Not JSON: `text` still holds it.
    return undefined
  }
}
