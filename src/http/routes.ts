import { Hono } from 'hono'
import type { Context } from 'hono'
import { CeleriacError, errorText, type Log } from '../base/index.ts'
import { correlationForHono } from '../correlation/index.ts'
import { apiV1 } from './api-v1.ts'
import { sendExposition } from './exposition.ts'
import { createLiveStream } from './live.ts'
import { isStranger } from './stranger.ts'
import type { Health, HttpPorts } from './ports.ts'
import { renderRunbook } from './runbook-page.ts'
import { freshNonce, pageHeaders, renderPage, type StaticFile } from './static.ts'

export interface RoutesOptions {
  readonly ports: HttpPorts
  /** The built UI; without it only the API is served. */
  readonly files: ReadonlyMap<string, StaticFile>
  /** The path under which users reach us, with a slash at both ends. */
  readonly basePath: string
  readonly log: Log
}

const answer = (c: Context, { ok, body, hosts }: Health): Response =>
  c.json({ ...body, ...(hosts === undefined || isStranger(c) ? {} : hosts) }, ok ? 200 : 503)

/** All routes of design.md section 2 that exist so far. Nothing here touches the broker: answers come from memory. */
export function createRoutes({ ports, files, basePath, log }: RoutesOptions): {
  readonly app: Hono
  readonly close: () => void
} {
  const app = new Hono()
  app.use(correlationForHono())
  app.use(async (c, next) => {
    const startedAtMs = ports.nowMs()
    await next()
    const fields = { method: c.req.method, path: c.req.path, status: c.res.status }
    log.debug('request answered', { ...fields, tookMs: ports.nowMs() - startedAtMs })
  })
  const live = createLiveStream(ports)
  const page = new TextDecoder().decode(files.get('index.html')?.body)

  const metrics = (c: Context): Promise<Response> => {
    const { format, contentType } = ports.negotiate(c.req.header('accept'))
    return ports.goAhead(() =>
      sendExposition(ports.expose(format), contentType, c.req.header('accept-encoding')),
    )
  }
  // celery-exporter's own answers, which scrapes and probes rely on: 500 while the broker is away.
  const celeryExporterMetrics = (c: Context): Response | Promise<Response> => {
    const { format, contentType } = ports.negotiate(c.req.header('accept'))
    const chunks = ports.celeryExporter.expose(format)
    if (chunks === undefined) return c.text(`${ports.celeryExporter.health().text}\n`, 500)
    return ports.goAhead(() => sendExposition(chunks, contentType, c.req.header('accept-encoding')))
  }
  const celeryExporterHealth = (c: Context): Response => {
    const { ok, text } = ports.celeryExporter.health()
    return c.text(text, ok ? 200 : 500)
  }
  const standsIn = ports.compat === 'celery-exporter'
  app.get('/metrics', standsIn ? celeryExporterMetrics : metrics)
  app.get('/metrics/celeriac', metrics)
  app.get('/metrics/celery-exporter', celeryExporterMetrics)

  // Liveness says nothing of the broker: its outage must restart nobody (guide-flaw 74).
  for (const path of ['/-/healthy', '/livez', '/healthz']) app.get(path, c => answer(c, ports.health.live()))
  for (const path of ['/-/ready', '/readyz']) app.get(path, c => answer(c, ports.health.ready()))
  app.get('/health', c => (standsIn ? celeryExporterHealth(c) : answer(c, ports.health.live())))
  app.get('/monitoring/health/celery', c => answer(c, ports.health.celery()))
  app.get('/monitoring/health/redis', c => answer(c, ports.health.broker()))
  app.get('/monitoring/health/broker', c => answer(c, ports.health.broker()))
  app.get('/monitoring/metrics/queue', c => answer(c, ports.health.queue()))

  app.route('/api/v1', apiV1(ports, log))
  app.get('/api/celeriac/overview', async c =>
    c.json(await ports.overview(), 200, { 'cache-control': 'no-store' }),
  )
  app.get('/api/celeriac/findings', c => c.json(ports.findings(), 200, { 'cache-control': 'no-store' }))
  app.get('/api/celeriac/live', c => live.open(c.req.raw.signal))
  app.all('/api/*', c => c.json({ error: `no route ${c.req.method} ${c.req.path}` }, 404))

  app.get('/', c => {
    const { body, headers } = renderPage(page, basePath)
    return c.body(body, 200, headers)
  })
  app.get('/runbooks/:slug', async c => {
    const nonce = freshNonce()
    const body = await renderRunbook(c.req.param('slug'), basePath, nonce)
    return body === undefined ? c.notFound() : c.body(body, 200, pageHeaders(nonce))
  })
  app.get('/*', c => {
    const file = files.get(c.req.path.slice(1))
    if (file === undefined || c.req.path === '/index.html') return c.notFound()
    const gzip = file.gzipped !== undefined && /\bgzip\b/.test(c.req.header('accept-encoding') ?? '')
    return c.body(gzip ? file.gzipped : file.body, 200, {
      'content-type': file.contentType,
      'cache-control': file.immutable ? 'public, max-age=31536000, immutable' : 'no-cache',
      'x-content-type-options': 'nosniff',
      vary: 'accept-encoding',
      ...(gzip ? { 'content-encoding': 'gzip' } : {}),
    })
  })

  app.notFound(c =>
    c.text(`Nothing at ${c.req.path}. The UI is at ${basePath}, metrics at ${basePath}metrics.\n`, 404),
  )
  app.onError((error, c) => {
    const status = error instanceof CeleriacError ? error.status : 500
    if (status >= 500) log.error('A request failed.', { path: c.req.path, error: errorText(error) })
    return c.json(
      { error: error instanceof CeleriacError ? error.line : 'internal error; the log says more' },
      status as 500,
    )
  })
  return { app, close: () => live.close() }
}
