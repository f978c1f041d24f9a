import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Clock, silentLog } from '../../src/base/index.ts'
import { createBroker } from '../../src/broker/index.ts'
import { type CeleryEvent, decodeEventMessage } from '../../src/celery/index.ts'
import { produce, PYTHON, startWorker, SYSTEM_PYTHON, untilEnded } from '../servers/celery.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'
import { type SentinelGroup, startSentinels } from '../servers/sentinel.ts'
import { countEvents } from './count-events.ts'

/**
 * Real workers whose settings move every name there is, old and new ones, and a Broker that is told the same settings: events,
 * remote control, queues and their ends, and what is not acknowledged are found where these workers put them.
 */
const COUNT = 12

interface Variant {
  readonly name: string
  /** Of the database, or of the sentinels. */
  readonly at: number | 'sentinels'
  readonly python?: string
  readonly transport: Readonly<Record<string, unknown>>
  /** Settings of Celery that move names as well. */
  readonly settings?: Readonly<Record<string, unknown>>
}

const PREFIXED = {
  global_keyprefix: 'app1:',
  sep: ':',
  priority_steps: [0, 5],
  unacked_key: 'taken',
  unacked_index_key: 'taken_index',
  unacked_mutex_key: 'taken_lock',
  visibility_timeout: 7200,
}
const MOVED = {
  event_exchange: 'ev',
  event_queue_prefix: 'evq',
  control_exchange: 'ctl',
  task_default_queue: 'jobs',
}

const VARIANTS: readonly Variant[] = [
  { name: 'another database', at: 3, transport: {} },
  { name: 'prefix, separator, steps, exchanges', at: 0, transport: PREFIXED, settings: MOVED },
  {
    name: 'channels without prefix and routing key',
    at: 1,
    transport: { fanout_prefix: false, fanout_patterns: false },
  },
  { name: 'channels with a prefix of their own', at: 2, transport: { fanout_prefix: '/fleet-{db}.' } },
  { name: 'sentinels', at: 'sentinels', transport: { master_name: 'mymaster' } },
  {
    name: 'sentinels, and a kombu before 5.4',
    at: 'sentinels',
    python: SYSTEM_PYTHON,
    transport: { master_name: 'mymaster' },
  },
]

const clock: Clock = {
  now: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs)
    return () => clearTimeout(timer)
  },
}

let folder: string
let redis: RedisServer
let group: SentinelGroup

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'celeriac-names-'))
  ;[redis, group] = await Promise.all([startRedis(), startSentinels({ sentinels: 2 })])
}, 60_000)
afterAll(async () => {
  await redis?.stop()
  await group?.stop()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

test.each(VARIANTS)(
  'workers with $name are heard, asked and counted',
  async ({ name, at, python = PYTHON, transport, settings = {} }) => {
    const url = at === 'sentinels' ? group.url : redis.url.replace(/0$/, String(at))
    const truthFile = join(folder, `${name}.jsonl`)
    const ofCelery = { ...settings, broker_transport_options: transport }
    const broker = createBroker({
      name: 'default',
      url,
      transportOptions: { ...transport, ...settings },
      clock,
      log: silentLog,
    })
    const events: CeleryEvent[] = []
    const states: string[] = []
    broker.start({
      eventMessage: message => void events.push(...decodeEventMessage(message).events),
      stateChanged: ({ state }) => void states.push(state),
      gapEnded() {},
    })
    await broker.ready(10_000)
    const worker = await startWorker({
      brokerUrl: url,
      python,
      name: 'w1',
      truthFile,
      concurrency: 1,
      queues: ['parked'],
      settings: { ...ofCelery, task_acks_late: true },
    })
    try {
      const { tasks, expected, depth } = await produce({
        brokerUrl: url,
        count: COUNT,
        mix: 'work',
        queues: ['reports'],
        seconds: 0.3,
        settings: ofCelery,
      })
      const waiting = await broker.readQueues(['reports'])
      expect(waiting).toMatchObject([{ queue: 'reports', depth: depth['reports'], unacked: 0 }])
      // Of each priority the first and the last that were sent.
      const steps = (transport['priority_steps'] ?? [0, 3, 6, 9]) as readonly number[]
      const byStep = steps.map(step =>
        tasks.filter(({ priority }) => (steps.findLast(lower => lower <= priority) ?? 0) === step),
      )
      expect(waiting[0]?.heads).toEqual(byStep.flatMap(ids => ids[0]?.id ?? []))
      expect(waiting[0]?.newest).toEqual(byStep.flatMap(ids => ids.at(-1)?.id ?? []))
      expect(await broker.discoverQueues()).toEqual(expect.arrayContaining(['parked', 'reports']))

      const answers = await broker.control(
        { method: 'add_consumer', arguments: { queue: 'reports' }, destination: [worker.node] },
        { timeoutMs: 20_000 },
      )
      expect(answers).toMatchObject([{ node: worker.node, ok: true }])
      let held = { unacked: 0, oldest: 0, ofQueue: 0 }
      for (let i = 0; i < 200 && (held.unacked === 0 || held.ofQueue === 0); i++) {
        const server = await broker.readServer()
        const [queue] = await broker.readQueues(['reports'])
        held = {
          unacked: server.unacked ?? -1,
          oldest: server.unackedOldestAgeSeconds ?? -1,
          ofQueue: queue?.unacked ?? -1,
        }
        expect(server.redeliveryTimeoutSeconds).toBe(transport['visibility_timeout'] ?? 3600)
        await sleep(20)
      }
      expect(held.unacked).toBeGreaterThan(0)
      expect(held.ofQueue).toBeGreaterThan(0)
      expect(held.oldest).toBeGreaterThanOrEqual(0)
      await untilEnded(truthFile, tasks, 60_000)
      const succeeded = (): number => events.filter(({ type }) => type === 'task-succeeded').length
      for (let i = 0; i < 200 && succeeded() < COUNT; i++) await sleep(50)
      expect(countEvents(events)).toEqual(expected)
      await expect.poll(async () => (await broker.readServer()).unacked, { timeout: 10_000 }).toBe(0)
      expect(
        events.some(({ type, hostname }) => type === 'worker-heartbeat' && hostname === worker.node),
      ).toBe(true)
      const ping = await broker.control({ method: 'ping', destination: [worker.node] }, { timeoutMs: 20_000 })
      expect(ping).toEqual([{ node: worker.node, ok: true, value: { ok: 'pong' } }])
      expect(states).toEqual(['connecting', 'connected'])
    } finally {
      await worker.stop()
      await broker.stop()
    }
  },
  180_000,
)
