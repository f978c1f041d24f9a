import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Notification } from '../alerts/index.ts'
import { Labels } from '../base/index.ts'

/** What the tests of this room share: a real server that answers as told, and notifications to send. */

export interface Received {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly atMs: number
}

export type Answer = (response: ServerResponse) => void

/** Answers with a status, headers and a body. */
export const answer =
  (status: number, headers: Record<string, string> = {}, body = ''): Answer =>
  response => {
    response.writeHead(status, headers).end(body)
  }

/** Listens on a free loopback port; answers are used up in order, the last one for ever. */
export class ReceiverServer {
  readonly received: Received[] = []
  answers: Answer[] = [answer(200)]
  readonly #server: Server

  constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        this.received.push({
          path: request.url ?? '',
          headers: request.headers,
          body: Buffer.concat(chunks).toString('utf8'),
          atMs: Date.now(),
        })
        const next = this.answers.length > 1 ? this.answers.shift() : this.answers[0]
        next?.(response)
      })
    })
  }

  async start(): Promise<void> {
    await new Promise<void>(resolve => {
      this.#server.listen(0, '127.0.0.1', resolve)
    })
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  reset(...answers: Answer[]): void {
    this.received.length = 0
    this.answers = answers.length > 0 ? answers : [answer(200)]
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>(resolve => {
      this.#server.close(() => resolve())
    })
  }
}

/** A group of one firing alert, with anything changed. */
export function notification(changes: Partial<Notification> = {}): Notification {
  const labels = Labels.from({
    alertname: 'CeleryQueueDepthHigh',
    broker: 'default',
    queue: 'reports',
    severity: 'warning',
  })
  return {
    groupKey: '{}:{alertname="CeleryQueueDepthHigh", broker="default"}',
    receiver: 'ops',
    integration: '',
    status: 'firing',
    groupLabels: Labels.from({ alertname: 'CeleryQueueDepthHigh', broker: 'default' }),
    commonLabels: labels,
    commonAnnotations: { summary: 'Queue reports holds 1234 messages' },
    alerts: [
      {
        status: 'firing',
        labels,
        annotations: { summary: 'Queue reports holds 1234 messages' },
        startsAtMs: 1_700_000_000_000,
        endsAtMs: undefined,
        generatorURL: 'http://celeriac.example/explore?e=x',
        fingerprint: '0123456789abcdef',
        value: 1234,
      },
    ],
    externalURL: 'http://celeriac.example',
    truncatedAlerts: 0,
    reason: 'first firing',
    ...changes,
  }
}

/** Waits until something is true; fails the test after 10 s. */
export async function eventually(condition: () => boolean): Promise<void> {
  const end = Date.now() + 10_000
  while (!condition()) {
    if (Date.now() > end) throw new Error('it never came true')
    await new Promise(resolve => {
      setTimeout(resolve, 5)
    })
  }
}
