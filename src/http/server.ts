import type { Server } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import { CeleriacError, errorText } from '../base/index.ts'
import { createRoutes, type RoutesOptions } from './routes.ts'

export interface ListenAddress {
  readonly host: string
  /** 0 asks the system for a free port. */
  readonly port: number
}

export interface HttpServer {
  /** Where people reach it: a URL with the port that was really opened. */
  readonly url: string
  /** Stops listening, ends live streams, lets other requests end for a moment. Never rejects. */
  close(): Promise<void>
}

const CLOSE_GRACE_MS = 2000

const hintFor = (code: string | undefined, { host, port }: ListenAddress): string => {
  if (code === 'EADDRINUSE')
    return `Something listens there already. Choose another with --listen ${host}:${port + 1}.`
  if (code === 'EACCES') return 'Ports below 1024 need privileges. Choose another with --listen.'
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return 'This machine has no such address. Use 127.0.0.1 or 0.0.0.0.'
  return 'Choose another with --listen HOST:PORT.'
}

/** Opens the one listener. Rejects with LISTEN_FAILED that says what to do. */
export async function listen(address: ListenAddress, options: RoutesOptions): Promise<HttpServer> {
  const { app, close } = createRoutes(options)
  const server = createAdaptorServer({ fetch: app.fetch }) as Server
  // Slow or silent clients may not hold sockets for ever; live streams are responses, so they are not concerned.
  server.requestTimeout = 30_000
  server.headersTimeout = 10_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        new CeleriacError(
          'LISTEN_FAILED',
          `Cannot listen on ${address.host}:${address.port} (${error.code ?? errorText(error)}).`,
          {
            hint: hintFor(error.code, address),
            cause: error,
          },
        ),
      )
    })
    server.listen(address.port, address.host, () => resolve())
  })
  const opened = server.address()
  const port = opened !== null && typeof opened === 'object' ? opened.port : address.port
  const host = address.host === '0.0.0.0' || address.host === '::' ? 'localhost' : address.host
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}/`,
    async close() {
      close()
      const closed = new Promise<void>(resolve => {
        server.close(() => resolve())
      })
      server.closeIdleConnections()
      const force = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS)
      await closed
      clearTimeout(force)
    },
  }
}
