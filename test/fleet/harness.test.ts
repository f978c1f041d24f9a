import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Clock, silentLog } from '../../src/base/index.ts'
import { type Broker, createBroker } from '../../src/broker/index.ts'
import { type CeleryEvent, decodeEventMessage, exceptionClass } from '../../src/celery/index.ts'
import {
  produce,
  type RunningWorker,
  startConsuming,
  startWorker,
  stopConsuming,
  untilEnded,
} from '../servers/celery.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'
import { countEvents } from './count-events.ts'

const clock: Clock = {
  now: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs)
    return () => clearTimeout(timer)
  },
}

const QUEUES = ['reports', 'default']
const folder = mkdtempSync(join(tmpdir(), 'celeriac-truth-'))
const truthFile = join(folder, 'truth.jsonl')
const events: CeleryEvent[] = []
const problems: unknown[] = []
let redis: RedisServer
let broker: Broker
let worker: RunningWorker | undefined

beforeAll(async () => {
  redis = await startRedis()
  broker = createBroker({ name: 'default', url: redis.url, clock, log: silentLog })
  broker.start({
    eventMessage(message) {
      const decoded = decodeEventMessage(message)
      events.push(...decoded.events)
      problems.push(...decoded.problems)
    },
    stateChanged() {},
    gapEnded() {},
  })
  await broker.ready(10_000)
})

afterAll(async () => {
  await worker?.stop()
  await broker.stop()
  await redis.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** Resolves when `holds`, rejects after `timeoutMs`. */
async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  timeoutMs = 10_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

const depths = async (): Promise<Record<string, number>> =>
  Object.fromEntries((await broker.readQueues(QUEUES)).map(({ queue, depth }) => [queue, depth]))

test('a real worker, a producer and the broker tell the same story of fifty tasks', async () => {
  worker = await startWorker({
    brokerUrl: redis.url,
    name: 'w1',
    truthFile,
    queues: ['parked'],
    concurrency: 2,
  })
  const produced = await produce({ brokerUrl: redis.url, count: 50 })
  expect(produced.tasks).toHaveLength(50)
  expect(new Set(produced.tasks.map(task => task.priority))).toEqual(new Set([0, 3, 6, 9]))
  // Nobody consumes: depth equals what was sent, priority lists summed.
  expect(await depths()).toEqual(produced.depth)

  const answers = await startConsuming(redis.url, QUEUES, ['w1@test'])
  expect(answers['w1@test']?.['reports']).toHaveProperty('ok')
  const runs = await untilEnded(truthFile, produced.tasks, 30_000)
  const ends = produced.tasks.length + runs.filter(run => run.outcome === 'retried').length
  const heardEnds = (): number =>
    events.filter(event => /^task-(succeeded|failed|retried)$/.test(event.type)).length
  await until('every end is told by an event', () => heardEnds() >= ends)

  expect(problems).toEqual([])
  expect(countEvents(events)).toEqual(produced.expected)
  expect(await depths()).toEqual({ reports: 0, default: 0 })

  // What the tasks themselves wrote down agrees: one run for each start, and the outcomes that were planned.
  expect(runs).toHaveLength(produced.expected.reduce((sum, row) => sum + row.started, 0))
  const last = new Map(runs.map(run => [run.id, run]))
  for (const task of produced.tasks) {
    expect(last.get(task.id)).toMatchObject({
      outcome: task.outcome,
      queue: task.queue,
      retries: task.retries,
    })
    if (task.eta !== null) expect(last.get(task.id)?.start).toBeGreaterThanOrEqual(task.eta)
  }
  for (const event of events) {
    if (event.type === 'task-failed') expect(exceptionClass(event.exception, event.traceback)).toBe('Planned')
    if (event.type !== 'task-succeeded') continue
    const run = last.get(event.uuid)
    expect(Math.abs((event.runtime ?? -1) - ((run?.end ?? 0) - (run?.start ?? 0)))).toBeLessThan(0.05)
  }
})

test('a worker told to stop consuming takes nothing, and all of it once told to start again', async () => {
  await stopConsuming(redis.url, QUEUES, ['w1@test'])
  const produced = await produce({ brokerUrl: redis.url, count: 20, mix: 'work', offset: 1000, seconds: 0 })
  await new Promise(resolve => setTimeout(resolve, 1500))
  expect(await depths()).toEqual(produced.depth)
  await startConsuming(redis.url, QUEUES, ['w1@test'])
  await untilEnded(truthFile, produced.tasks, 20_000)
  expect(await depths()).toEqual({ reports: 0, default: 0 })
})

test('a killed worker says no goodbye and leaves no process; a stopped one says it', async () => {
  const pid = worker?.pid ?? 0
  expect(worker?.running).toBe(true)
  await worker?.kill()
  expect(worker?.running).toBe(false)
  await until('the group is gone', () => !groupExists(pid))
  await new Promise(resolve => setTimeout(resolve, 300))
  expect(events.filter(event => event.type === 'worker-offline')).toEqual([])

  worker = await startWorker({ brokerUrl: redis.url, name: 'w2', truthFile, concurrency: 1, pool: 'solo' })
  await worker.stop()
  await until('the goodbye', () => events.some(event => event.type === 'worker-offline'))
  expect(events.find(event => event.type === 'worker-offline')?.hostname).toBe('w2@test')
})

test('a worker that cannot start is an error with the end of its log', async () => {
  await expect(
    startWorker({ brokerUrl: redis.url, name: 'bad', truthFile, args: ['--no-such-option'] }),
  ).rejects.toThrow(/bad did not get ready[^]*no-such-option/)
})

function groupExists(pid: number): boolean {
  try {
    process.kill(-pid, 0)
    return true
  } catch {
    return false
  }
}
