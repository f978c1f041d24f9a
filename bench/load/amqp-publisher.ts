/**
 * A process of its own that publishes events to the vhost `/` of a RabbitMQ, as a Celery worker does, without confirms:
 * `node amqp-publisher.js PORT '{"tasks": 1000, …}' EVENTS_PER_SECOND`, 0 for as fast as it can. Prints `{"events", "seconds"}` when
 * the broker has taken all of them.
 */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import amqplib from 'amqplib'
import { loadEvents, type TrafficShape } from './traffic.ts'

const [port, shape, rate] = process.argv.slice(2)
if (port === undefined || shape === undefined)
  throw new Error('usage: amqp-publisher.js PORT SHAPE [EVENTS_PER_SECOND]')
const perSecond = Number(rate ?? 0)
const connection = await amqplib.connect(`amqp://guest:guest@127.0.0.1:${port}`, { noDelay: true })
const channel = await connection.createChannel()

// Written beforehand: making events costs a core more than publishing them does, and the broker needs that core.
const messages = Array.from(loadEvents(JSON.parse(shape) as TrafficShape), ({ event, routingKey }) => ({
  routingKey,
  body: Buffer.from(JSON.stringify(event)),
  properties: {
    contentType: 'application/json',
    contentEncoding: 'utf-8',
    deliveryMode: 1,
    priority: 0,
    headers: { hostname: event.hostname },
  },
}))

const PIECE = 100
const began = performance.now()
let events = 0
for (const { routingKey, body, properties } of messages) {
  const open = channel.publish('celeryev', routingKey, body, properties)
  if (!open) await once(channel, 'drain')
  if (++events % PIECE !== 0 || perSecond === 0) continue
  const aheadMs = (events / perSecond) * 1000 - (performance.now() - began)
  if (aheadMs > 1) await sleep(aheadMs)
}
// The broker answers after everything that was sent on the channel before.
await channel.checkExchange('celeryev')
const seconds = (performance.now() - began) / 1000
await connection.close()
process.stdout.write(`${JSON.stringify({ events, seconds, unheard: 0 })}\n`)
