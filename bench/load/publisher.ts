/**
 * A process of its own that publishes events to a Redis: `node publisher.js PORT '{"tasks": 1000, …}' EVENTS_PER_SECOND`, 0 for as
 * fast as it can. Prints `{"events", "seconds", "unheard"}`: events published, the time it took, and how many nobody was subscribed to.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { traffic, type TrafficShape } from './traffic.ts'

const [port, shape, rate] = process.argv.slice(2)
if (port === undefined || shape === undefined)
  throw new Error('usage: publisher.js PORT SHAPE [EVENTS_PER_SECOND]')
const perSecond = Number(rate ?? 0)
const socket = connect({ port: Number(port), host: '127.0.0.1', noDelay: true })
await once(socket, 'connect')

let answered = 0
let unheard = 0
let rest = ''
socket.on('data', (chunk: Buffer) => {
  // Each answer is `:<subscribers>\r\n`.
  const lines = (rest + chunk.toString('latin1')).split('\r\n')
  rest = lines.pop() ?? ''
  for (const line of lines) {
    answered++
    if (line === ':0') unheard++
    else if (!line.startsWith(':')) throw new Error(`Redis answered ${line}`)
  }
})

const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await sleep(1)
}

const PIECE = 200
const began = performance.now()
let events = 0
let piece: Buffer[] = []
const flush = async (): Promise<void> => {
  const open = socket.write(Buffer.concat(piece))
  piece = []
  if (!open) await once(socket, 'drain')
  await until(() => events - answered <= 20_000)
  if (perSecond > 0) {
    const aheadMs = (events / perSecond) * 1000 - (performance.now() - began)
    if (aheadMs > 1) await sleep(aheadMs)
  }
}
for (const command of traffic(JSON.parse(shape) as TrafficShape)) {
  piece.push(command)
  events++
  if (piece.length >= (perSecond > 0 ? Math.max(1, Math.min(PIECE, perSecond / 100)) : PIECE)) await flush()
}
if (piece.length > 0) await flush()
await until(() => answered >= events)
socket.end()
process.stdout.write(`${JSON.stringify({ events, seconds: (performance.now() - began) / 1000, unheard })}\n`)
