/**
 * Question: what does an event cost from the socket of a real Redis to the metrics, one event a message, against the least that any
 * monitor must do (read the socket, cut out the messages, JSON, base64, JSON) in the same run; and what would it cost if the client
 * library read the socket? Then: does the whole program keep up with 20,000 events a second for a minute under Redis' default
 * limit for slow subscribers, what part of a core does it take, and is anything lost?
 *
 * Usage: npm run bench -- redis-events
 */
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from '@redis/client'
import { createEventPump } from '../src/app/event-pump.ts'
import { type Clock, silentLog } from '../src/base/index.ts'
import { createRedisBroker, parseBrokerUrl } from '../src/broker/index.ts'
import { decodeEventMessage, type RawEventMessage } from '../src/celery/index.ts'
import { createFleet } from '../src/fleet/index.ts'
import { createMetrics } from '../src/metrics/index.ts'
import { startRedis } from '../test/servers/redis.ts'
import { publish, startProgram } from './load/program.ts'

const ROUNDS = 5
const PATTERN = '/0.celeryev/*'
const SHAPE = {
  tasks: 25_000,
  names: 20,
  queues: 4,
  workers: 50,
  events: ['sent', 'received', 'started', 'succeeded'],
} as const
const EVENTS = SHAPE.tasks * SHAPE.events.length
const PACED = { eventsPerSecond: 20_000, seconds: 60 }

const clock: Clock = {
  now: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs)
    return () => clearTimeout(timer)
  },
}
const say = (text: string): void => void process.stdout.write(`${text}\n`)

/** Something that hears events until `close`, and how many it has understood. */
interface Receiver {
  readonly heard: () => number
  readonly close: () => Promise<void>
}

/** Decoding, fleet and metrics, as the program joins them. */
function pipeline(): { readonly push: (message: RawEventMessage) => void; readonly heard: () => number } {
  const fleet = createFleet({ broker: 'bench' })
  const registry = createMetrics()
  let events = 0
  const pump = createEventPump({
    maxBytes: 64 * 1024 * 1024,
    sliceMs: 8,
    consume(messages) {
      for (const message of messages) {
        const decoded = decodeEventMessage(message)
        for (const event of decoded.events) fleet.apply(event, message.receivedAtMs)
        events += decoded.events.length
      }
      registry.record('bench', fleet.drainChanges())
    },
    dropped: count => {
      throw new Error(`${count} messages dropped`)
    },
  })
  return { push: message => pump.push(message), heard: () => events }
}

/** The least: cuts messages out of the bytes without any care, and parses them. */
async function floor(port: number): Promise<Receiver> {
  let heard = 0
  let rest: Buffer = Buffer.alloc(0)
  const socket = connect(port, '127.0.0.1')
  socket.on('data', (chunk: Buffer) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let at = 0
    for (;;) {
      const found = messageAt(bytes, at)
      if (found === undefined) break
      at = found.end
      if (found.payload === undefined) continue
      const { body } = JSON.parse(found.payload) as { readonly body: string }
      const event = JSON.parse(Buffer.from(body, 'base64').toString('latin1')) as { readonly type?: string }
      if (event.type !== undefined) heard++
    }
    rest = bytes.subarray(at)
  })
  socket.write(`*2\r\n$10\r\nPSUBSCRIBE\r\n$${PATTERN.length}\r\n${PATTERN}\r\n`)
  await sleep(200)
  return { heard: () => heard, close: async () => void socket.destroy() }
}

/** One reply of four or three parts; the fourth is a message's payload. */
function messageAt(
  bytes: Buffer,
  start: number,
): { readonly end: number; readonly payload: string | undefined } | undefined {
  let at = bytes.indexOf('\n', start) + 1
  if (at === 0) return undefined
  const parts = (bytes[start + 1] ?? 0) - 48
  let payload: string | undefined
  for (let part = 0; part < parts; part++) {
    const line = bytes.indexOf('\n', at)
    if (line < 0) return undefined
    if (bytes[at] === 58) {
      at = line + 1
      continue
    }
    let length = 0
    for (let i = at + 1; i < line - 1; i++) length = length * 10 + (bytes[i] ?? 0) - 48
    at = line + 1 + length + 2
    if (at > bytes.length) return undefined
    if (part === 3) payload = bytes.toString('latin1', line + 1, line + 1 + length)
  }
  return { end: at, payload }
}

async function library(port: number): Promise<Receiver> {
  const { push, heard } = pipeline()
  const client = createClient({ RESP: 2, socket: { port, host: '127.0.0.1' } })
  await client.connect()
  await client.pSubscribe(PATTERN, payload => push({ form: 'envelope', payload, receivedAtMs: clock.now() }))
  return { heard, close: async () => client.destroy() }
}

async function ours(port: number): Promise<Receiver> {
  const { push, heard } = pipeline()
  const target = parseBrokerUrl(`redis://127.0.0.1:${port}/0`)
  if (target.transport !== 'redis') throw new Error('no Redis')
  const broker = createRedisBroker({ name: 'bench', target, clock, log: silentLog })
  broker.start({
    eventMessage: push,
    stateChanged() {},
    gapEnded(gap) {
      throw new Error(`a gap: ${gap.reason}`)
    },
  })
  await broker.ready(10_000)
  return { heard, close: () => broker.stop() }
}

const RECEIVERS = { floor, library, ours }
type Name = keyof typeof RECEIVERS

/** CPU seconds of this process, user and system, from the first event to the last. */
async function measure(name: Name, port: number): Promise<number> {
  const receiver = await RECEIVERS[name](port)
  globalThis.gc?.()
  const before = process.cpuUsage()
  await publish(port, SHAPE, 0)
  for (let i = 0; i < 3_000 && receiver.heard() < EVENTS; i++) await sleep(10)
  const { user, system } = process.cpuUsage(before)
  if (receiver.heard() !== EVENTS) throw new Error(`${name} heard ${receiver.heard()} of ${EVENTS}`)
  await receiver.close()
  return ((user + system) / 1e6 / EVENTS) * 100_000
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

async function burst(): Promise<void> {
  // How well each copes is one question, whether Redis waits for it another.
  const redis = await startRedis({ args: ['client-output-buffer-limit pubsub 0 0 0'] })
  const seconds: Record<Name, number[]> = { floor: [], library: [], ours: [] }
  const names = Object.keys(RECEIVERS) as Name[]
  try {
    for (let round = -1; round < ROUNDS; round++)
      for (const name of names) {
        const cpu = await measure(name, redis.port)
        if (round >= 0) seconds[name].push(cpu)
      }
  } finally {
    await redis.stop()
  }
  for (const name of names) {
    const ratio = median(seconds[name].map((cpu, i) => cpu / (seconds.floor[i] ?? Number.NaN)))
    say(
      `${name.padEnd(8)} ${median(seconds[name]).toFixed(2)} CPU-s per 100,000 events ` +
        `(${seconds[name].map(cpu => cpu.toFixed(2)).join(' ')}), ${ratio.toFixed(2)} times the floor`,
    )
  }
}

async function paced(): Promise<void> {
  const redis = await startRedis()
  const program = await startProgram(redis.url, ['--log-level', 'warn'])
  try {
    const cpu = program.cpuSeconds()
    const { eventsPerSecond } = PACED
    const tasks = (eventsPerSecond * PACED.seconds) / SHAPE.events.length
    const { events, seconds } = await publish(redis.port, { ...SHAPE, tasks }, eventsPerSecond)
    let counted = 0
    for (let i = 0; i < 100 && counted < events; i++) {
      counted = await program.metric('celeriac_events_total')
      if (counted < events) await sleep(100)
    }
    const used = program.cpuSeconds() - cpu
    const gaps = await program.metric('celeriac_event_gaps_total')
    say(
      `the whole program at ${Math.round(events / seconds)} events/s for ${seconds.toFixed(0)} s: ${events - counted} lost, ` +
        `${Number.isNaN(gaps) ? 0 : gaps} gaps, ${((used / seconds) * 100).toFixed(0)} % of a core, ` +
        `${((used / events) * 100_000).toFixed(2)} CPU-s per 100,000 events`,
    )
  } finally {
    await program.stop()
    await redis.stop()
  }
}

await burst()
await paced()
