import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { silentLog } from '../../src/base/index.ts'
import { type Broker, createBroker } from '../../src/broker/index.ts'
import { recorder, realClock } from '../../src/broker/suite/stage.case.ts'
import { type CeleryEvent, decodeEventMessage } from '../../src/celery/index.ts'
import { produce, type RunningWorker, startConsuming, startWorker, untilEnded } from '../servers/celery.ts'
import { type RabbitmqServer, startRabbitmq } from '../servers/rabbitmq.ts'
import { countEvents } from './count-events.ts'

const QUEUES = ['reports', 'default']
const NODE = 'w1@test'
const folder = mkdtempSync(join(tmpdir(), 'celeriac-truth-'))
const truthFile = join(folder, 'truth.jsonl')
const heard = recorder()
let rabbitmq: RabbitmqServer
let broker: Broker
let worker: RunningWorker

beforeAll(async () => {
  rabbitmq = await startRabbitmq({ config: ['collect_statistics_interval = 1000'] })
  const { url, managementUrl } = rabbitmq
  broker = createBroker({ name: 'default', url, managementUrl, clock: realClock, log: silentLog })
  broker.start(heard)
  await broker.ready(20_000)
  worker = await startWorker({ brokerUrl: url, name: 'w1', truthFile, queues: ['parked'], concurrency: 2 })
}, 120_000)

afterAll(async () => {
  await worker?.stop()
  await broker?.stop()
  await rabbitmq?.stop()
  rmSync(folder, { recursive: true, force: true })
})

const events = (): CeleryEvent[] => heard.messages.flatMap(message => decodeEventMessage(message).events)

const ask = async (method: string): Promise<unknown> => {
  const [reply] = await broker.control({ method, destination: [NODE] }, { timeoutMs: 20_000 })
  return reply?.ok === true ? reply.value : reply
}

/** Polls until all tasks are counted as the producer expects; shows the difference otherwise. */
async function counted(expected: unknown, of: () => readonly CeleryEvent[]): Promise<void> {
  await expect.poll(() => countEvents(of()), { timeout: 30_000, interval: 100 }).toEqual(expected)
}

test('a real worker, a producer and RabbitMQ tell the same story of fifty tasks', async () => {
  const produced = await produce({ brokerUrl: rabbitmq.url, count: 50 })
  // Nobody consumes: depth equals what was sent.
  const readings = await broker.readQueues([...QUEUES, 'never declared'])
  expect(Object.fromEntries(readings.map(({ queue, depth }) => [queue, depth]))).toEqual(produced.depth)
  expect(readings.map(reading => reading.consumers)).toEqual([0, 0])
  expect(await broker.discoverQueues()).toEqual(['default', 'parked', 'reports'])

  await startConsuming(rabbitmq.url, QUEUES, [NODE])
  const runs = await untilEnded(truthFile, produced.tasks, 60_000)
  await counted(produced.expected, events)
  expect(runs).toHaveLength(produced.expected.reduce((sum, row) => sum + row.started, 0))
  expect(heard.messages.flatMap(message => decodeEventMessage(message).problems)).toEqual([])
  expect(heard.messages.every(message => message.form === 'body')).toBe(true)

  expect(await ask('ping')).toEqual({ ok: 'pong' })
  expect(await ask('stats')).toMatchObject({ pool: { 'max-concurrency': 2 }, pid: worker.pid })
  expect(((await ask('active_queues')) as { name: string }[]).map(({ name }) => name).sort()).toEqual([
    'default',
    'parked',
    'reports',
  ])
  await expect
    .poll(() => broker.readQueues(['reports']), { timeout: 30_000, interval: 500 })
    .toMatchObject([{ depth: 0, unacked: 0, consumers: 1 }])
  const [reading] = await broker.readQueues(['reports'])
  expect(reading?.deliveredTotal).toBeGreaterThanOrEqual(produced.depth['reports'] ?? Infinity)
  const keys = (await broker.readControlKeys())?.filter(each => each.keys > 0 && !each.orphan)
  expect(keys).toContainEqual(expect.objectContaining({ kind: 'control', keys: 1 }))
}, 120_000)

test('after a crash of RabbitMQ worker and monitor find each other again, and the gap is told', async () => {
  await rabbitmq.kill()
  await expect.poll(() => broker.state.state, { timeout: 20_000 }).toBe('connecting')
  await rabbitmq.restart()
  await expect.poll(() => broker.state.state, { timeout: 20_000 }).toBe('connected')
  expect(heard.gaps.map(gap => gap.reason)).toEqual(['connection_lost'])
  const before = heard.messages.length
  // Workers come back by themselves, up to half a minute later.
  await expect
    .poll(() => broker.control({ method: 'ping', destination: [NODE] }, { timeoutMs: 1000 }), {
      timeout: 90_000,
    })
    .toMatchObject([{ node: NODE, ok: true }])
  const produced = await produce({
    brokerUrl: rabbitmq.url,
    count: 20,
    mix: 'work',
    offset: 1000,
    seconds: 0,
  })
  await untilEnded(truthFile, produced.tasks, 60_000)
  await counted(produced.expected, () =>
    heard.messages.slice(before).flatMap(message => decodeEventMessage(message).events),
  )
}, 240_000)
