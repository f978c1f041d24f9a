import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import type { Seed } from './seeds.ts'

/** The built UI before a server whose answers the test decides, with the policy that the real one sends. */
export interface Fixture {
  /** With a slash at its end. */
  readonly url: string
  /** What was asked for, in order: path and query. */
  readonly requests: readonly string[]
  /** Open event streams. */
  readonly streams: () => number
  /** Sends the overview of now to every stream. */
  readonly push: () => void
  /** Answers from now on from another seed. */
  readonly use: (seed: Seed) => void
  /** How the server misbehaves. */
  readonly fault: (fault: Fault) => void
  readonly close: () => Promise<void>
}

export type Fault = 'none' | 'error' | 'slow' | 'no-stream' | 'charts-error'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** Builds the pages as they are shipped into `folder`; apart from `dist`, which other tests may be reading. */
export async function buildPages(folder: string): Promise<void> {
  const vite = join(ROOT, 'node_modules/vite/bin/vite.js')
  // The test runner says NODE_ENV=test, with which React would be its development build.
  await promisify(execFile)(
    process.execPath,
    [vite, 'build', 'web', '--outDir', folder, '--emptyOutDir', '--logLevel', 'error'],
    { cwd: ROOT, env: { ...process.env, NODE_ENV: 'production' } },
  )
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
}
const SLOW_MS = 3000

/** Serves the pages in `dist` on a free loopback port. `basePath` begins and ends with a slash, as behind a proxy that does not strip it. */
export async function startFixture(dist: string, first: Seed, basePath = '/'): Promise<Fixture> {
  let seed = first
  let fault: Fault = 'none'
  const requests: string[] = []
  const streams = new Set<ServerResponse>()
  const event = (): string => `event: overview\ndata: ${JSON.stringify(seed.overview(Date.now()))}\n\n`

  const json = (response: ServerResponse, status: number, body: unknown): void => {
    response.writeHead(status, { 'content-type': 'application/json', 'x-request-id': 'req-7f3a' })
    response.end(JSON.stringify(body))
  }

  const page = (response: ServerResponse): void => {
    const nonce = randomBytes(12).toString('base64')
    response.writeHead(200, {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': `default-src 'self'; style-src 'self' 'nonce-${nonce}'; script-src 'self' 'nonce-${nonce}'`,
    })
    const html = readFileSync(join(dist, 'index.html'), 'utf8')
    response.end(html.replace('<head>', `<head><base href="${basePath}">`))
  }

  const range = (query: URLSearchParams): unknown => {
    const number = (name: string): number => Number(query.get(name))
    const result = seed.series(query.get('query') ?? '').map(series => {
      const values: [number, string][] = []
      for (let at = number('start'); at <= number('end'); at += number('step')) {
        const value = series.at(at * 1000)
        if (value !== undefined) values.push([at, String(value)])
      }
      return { metric: series.metric, values }
    })
    return {
      status: 'success',
      data: { resultType: 'matrix', result: result.filter(each => each.values.length > 0) },
    }
  }

  const live = (request: IncomingMessage, response: ServerResponse): void => {
    if (fault === 'no-stream' || fault === 'error') {
      json(response, 503, { error: 'the stream is closed' })
      return
    }
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    response.write(event())
    streams.add(response)
    request.on('close', () => streams.delete(response))
  }

  const asset = (path: string, response: ServerResponse): void => {
    const file = normalize(path)
    let body: Buffer
    try {
      if (file.startsWith('..')) throw new Error('outside')
      body = readFileSync(join(dist, file))
    } catch {
      response.writeHead(404).end()
      return
    }
    const compressible = ['.js', '.css', '.svg', '.html'].includes(extname(file))
    response.writeHead(200, {
      'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
      ...(compressible ? { 'content-encoding': 'gzip' } : {}),
    })
    response.end(compressible ? gzipSync(body) : body)
  }

  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const url = new URL(request.url ?? '/', 'http://fixture')
    requests.push(url.pathname + url.search)
    if (!url.pathname.startsWith(basePath)) {
      response.writeHead(404).end()
      return
    }
    const path = url.pathname.slice(basePath.length)
    const isApi = path.startsWith('api/')
    if (isApi && fault === 'error' && path !== 'api/celeriac/live')
      json(response, 500, { status: 'error', errorType: 'internal', error: 'the store cannot be read' })
    else if (path === 'api/v1/query_range' && fault === 'charts-error')
      json(response, 422, {
        status: 'error',
        errorType: 'execution',
        error: 'query needs more than 50 000 000 samples',
      })
    else if (path === 'api/celeriac/overview') json(response, 200, seed.overview(Date.now()))
    else if (path === 'api/celeriac/live') live(request, response)
    else if (path === 'api/v1/query_range') json(response, 200, range(url.searchParams))
    else if (isApi) json(response, 404, { error: 'no such endpoint' })
    else if (extname(path) === '') page(response)
    else asset(path, response)
  }

  const server: Server = createServer((request, response) => {
    if (fault === 'slow' && (request.url ?? '').includes('/api/'))
      setTimeout(() => answer(request, response), SLOW_MS)
    else answer(request, response)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const push = (): void => {
    for (const stream of streams) stream.write(event())
  }
  const timer = setInterval(push, 5000)

  return {
    url: `http://127.0.0.1:${port}${basePath}`,
    requests,
    streams: () => streams.size,
    push,
    use: next => {
      seed = next
    },
    fault: next => {
      fault = next
      if (next === 'no-stream' || next === 'error') for (const stream of streams) stream.destroy()
    },
    close: async () => {
      clearInterval(timer)
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
