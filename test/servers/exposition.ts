import { createServer } from 'node:http'
import type { Sample } from '../../src/base/index.ts'

export interface ExpositionServer {
  /** `host:port`. */
  readonly address: string
  stop(): Promise<void>
}

const text = (samples: readonly Sample[]): string =>
  samples
    .map(({ labels, value }) => {
      const pairs = [...labels]
        .filter(([name]) => name !== '__name__')
        .map(([name, each]) => `${name}=${JSON.stringify(each)}`)
      return `${labels.get('__name__') ?? ''}{${pairs.join(',')}} ${value}\n`
    })
    .join('')

/** A target that a Prometheus can scrape; `samples` is asked anew for every scrape. */
export async function startExposition(samples: () => readonly Sample[]): Promise<ExpositionServer> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' })
    response.end(text(samples()))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  if (address === null || typeof address !== 'object') throw new Error('the exposition got no port')
  return {
    address: `127.0.0.1:${address.port}`,
    async stop() {
      server.closeAllConnections()
      await new Promise<void>(resolve => server.close(() => resolve()))
    },
  }
}
