import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ExposedSample } from '../../src/metrics/index.ts'
import { eventually, type RunningCeleriac, startCeleriac } from '../servers/celeriac.ts'
import { produce, type RunningWorker, startConsuming, startWorker, stopConsuming } from '../servers/celery.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'

/** More than other monitors keep: their tables hold 10,000 tasks, and the oldest go first. */
const BACKLOG = 12_000
const QUEUES = ['reports', 'default']
/** Three rounds of questions: a worker that consumes nothing is known as such by then. */
const CONSUMING_WITHIN_MS = 90_000

let folder: string
let redis: RedisServer
let celeriac: RunningCeleriac
let idle: RunningWorker
let busy: RunningWorker
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'celeriac-backlog-'))
  redis = await startRedis()
  // With the defaults: workers are asked every 30 s.
  celeriac = await startCeleriac(['start', '--broker', redis.url])
  const start = (name: string, concurrency: number): Promise<RunningWorker> =>
    startWorker({
      brokerUrl: redis.url,
      name,
      queues: ['parked'],
      concurrency,
      truthFile: join(folder, 'truth.jsonl'),
    })
  idle = await start('idle', 2)
  busy = await start('busy', 1)
}, 120_000)
afterAll(async () => {
  await celeriac?.stop()
  await Promise.all([idle?.stop(), busy?.stop()])
  await redis?.stop()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

const sum = (
  samples: readonly ExposedSample[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined => {
  const found = samples
    .filter(sample => sample.name === name)
    .filter(sample => Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
  return found.length === 0 ? undefined : found.reduce((total, { value }) => total + value, 0)
}

test('of 12,000 tasks that waited before any was started, 12,000 waits are told, each on its queue', async () => {
  await eventually('both workers', 30_000, async () =>
    sum(await celeriac.scrape(), 'celery_worker_count') === 2 ? true : undefined,
  )
  const { depth } = await produce({ brokerUrl: redis.url, count: BACKLOG, mix: 'work', seconds: 0 })
  await eventually('the backlog is seen', 30_000, async () =>
    sum(await celeriac.scrape(), 'celery_queue_depth') === BACKLOG ? true : undefined,
  )
  await startConsuming(redis.url, QUEUES, [idle.node, busy.node])
  await eventually('all waits', 400_000, async () =>
    sum(await celeriac.scrape(), 'celery_task_wait_time_seconds_count') === BACKLOG ? true : undefined,
  )
  const samples = await celeriac.scrape()
  for (const queue of QUEUES)
    expect(sum(samples, 'celery_task_wait_time_seconds_count', { queue }), queue).toBe(depth[queue])
  expect(sum(samples, 'celery_task_started_total', { queue: 'unknown' })).toBeUndefined()
}, 600_000)

test('a worker that beats, answers and consumes nothing is told as such; a busy one with a full pool is not', async () => {
  await stopConsuming(redis.url, [...QUEUES, 'parked'], [idle.node])
  // One slot, and a task that outlasts the test.
  await produce({ brokerUrl: redis.url, count: 1, mix: 'work', queues: ['reports'], seconds: 100 })
  await eventually('consuming 0', CONSUMING_WITHIN_MS, async () =>
    sum(await celeriac.scrape(), 'celery_worker_consuming', { worker: idle.node }) === 0 ? true : undefined,
  )
  const samples = await celeriac.scrape()
  expect(sum(samples, 'celery_worker_up', { worker: idle.node })).toBe(1)
  expect(sum(samples, 'celery_worker_active_tasks', { worker: busy.node })).toBe(1)
  expect(sum(samples, 'celery_worker_consuming', { worker: busy.node })).toBe(1)
}, 150_000)
