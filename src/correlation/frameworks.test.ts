import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import {
  celeryHeaders,
  correlationForExpress,
  correlationForFastify,
  correlationForHono,
  correlationMixin,
  currentCorrelationId,
} from './index.ts'

/** What a handler sees after it waited: its id, the line it logs, the headers of a task that it sends. */
async function handle(): Promise<unknown> {
  await sleep(5)
  const lines: string[] = []
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString())
      done()
    },
  })
  pino({ base: null, timestamp: false, mixin: correlationMixin }, stream).info('made')
  return { id: currentCorrelationId(), line: JSON.parse(lines[0] ?? '') as unknown, task: celeryHeaders() }
}

const hono = new Hono()
hono.use(correlationForHono())
hono.get('/', async c => c.json(await handle()))

const express = correlationForExpress()
const fastify = correlationForFastify()

const LISTENERS: Readonly<Record<string, RequestListener>> = {
  hono: (request, response) => void getRequestListener(hono.fetch)(request, response),
  // Express calls (req, res, next) of node:http itself (its guide "Using middleware").
  express: (request, response) =>
    express(request, response, () => {
      void handle().then(seen => response.end(JSON.stringify(seen)))
    }),
  // Fastify calls (request, reply, done) with node:http's headers and a reply that sets headers (its "Hooks").
  fastify: (request, response) =>
    fastify(request, { header: (name, value) => response.setHeader(name, value) }, () => {
      void handle().then(seen => response.end(JSON.stringify(seen)))
    }),
}

test.each(Object.entries(LISTENERS))(
  'with %s, each of many requests at once keeps its id, in its answer, its log and its tasks',
  async (_, listener) => {
    const server = createServer(listener)
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    try {
      await Promise.all(
        Array.from({ length: 20 }, async (_each, i) => {
          const id = `request-number-${i}`
          const response = await fetch(url, { headers: { 'x-correlation-id': id } })
          expect(response.headers.get('x-correlation-id')).toBe(id)
          expect(await response.json()).toEqual({
            id,
            line: { level: 30, labels: { correlation_id: id }, msg: 'made' },
            task: { x_correlation_id: id },
          })
        }),
      )
      const refused = await fetch(url, { headers: { 'x-correlation-id': 'level=error user=admin' } })
      expect(refused.headers.get('x-correlation-id')).toMatch(/^[0-9a-f-]{36}$/)
    } finally {
      await new Promise(resolve => server.close(resolve))
    }
  },
)

test('outside of a request nothing is added to a line, and a task gets an id of its own', () => {
  expect(currentCorrelationId()).toBeUndefined()
  expect(correlationMixin()).toEqual({})
  expect(celeryHeaders().x_correlation_id).toMatch(/^[0-9a-f-]{36}$/)
})
