/**
 * A process of its own that serves an exposition as the program does: `node exposition-server.js LABEL_SETS` makes a histogram with so
 * many label sets and prints its port. `/metrics` is the exposition, `/block` the longest block of the event loop since it was last
 * asked for, in ms.
 */
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { createLoopLag } from '../../src/app/sampler.ts'
import { metrics } from '../../src/catalog/index.ts'
import { sendExposition } from '../../src/http/exposition.ts'
import { CONTENT_TYPES, createMetrics } from '../../src/metrics/index.ts'

const labelSets = Number(process.argv[2])
const registry = createMetrics({ maxSeriesPerMetric: labelSets, maxTaskSeries: Infinity })
for (let i = 0; i < labelSets; i++)
  registry.observe(
    metrics.taskWait,
    { broker: 'default', task: `shop.tasks.job_${i % 500}`, queue: `queue-${i}` },
    i % 90,
  )
const lag = createLoopLag()
const server = createAdaptorServer({
  fetch: (request: Request) =>
    request.url.endsWith('/block')
      ? new Response(String(lag.readSeconds() * 1000))
      : sendExposition(
          registry.expose('text'),
          CONTENT_TYPES.text,
          request.headers.get('accept-encoding') ?? undefined,
        ),
})
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`))
