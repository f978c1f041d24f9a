import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { silentLog } from '../../src/base/index.ts'
import { createRedisLink, type FleetLink, parseBrokerUrl } from '../../src/broker/index.ts'
import type { ExposedSample } from '../../src/metrics/index.ts'
import { eventually, type RunningCeleriac, startCeleriac } from '../servers/celeriac.ts'
import {
  type Produced,
  produce,
  type RunningWorker,
  startConsuming,
  startWorker,
  type TaskRun,
  untilEnded,
} from '../servers/celery.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'
import { startWebhook, type WebhookReceiver } from '../servers/webhook.ts'

/**
 * Real Redis, real Celery workers, the built program, one long story: what the producer and the tasks wrote down is compared with
 * what Celeriac says.
 */
const COUNT = 1000
const QUEUES = ['reports', 'default']
const TOLERANCE_SECONDS = 0.05
/** `RETRY_COUNTDOWN` of app/produce.py. */
const RETRY_COUNTDOWN = 0.2

const CONFIG = `
workerTimeout: 8s
inspectInterval: 2s
evaluationInterval: 2s
alerts:
  CeleryNoWorkers: { for: 4s }
  CeleryLowRedundancy: { enabled: false }
notify:
  groupWait: 1s
  groupInterval: 2s
`

let folder: string
let truthFile: string
let redis: RedisServer
let webhook: WebhookReceiver
let celeriac: RunningCeleriac
let workers: RunningWorker[] = []
let produced: Produced
let runs: TaskRun[]

const startFleetWorker = (name: string, queues?: readonly string[]): Promise<RunningWorker> =>
  startWorker({
    brokerUrl: redis.url,
    name,
    truthFile,
    concurrency: 4,
    ...(queues === undefined ? {} : { queues }),
  })

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'celeriac-end-to-end-'))
  truthFile = join(folder, 'truth.jsonl')
  redis = await startRedis()
  webhook = await startWebhook()
  celeriac = await startCeleriac(
    ['start', '--broker', redis.url],
    `${CONFIG}  receivers: [{ name: hook, webhook: { url: '${webhook.url}/hook' } }]\n`,
  )
  // Two workers that take nothing yet.
  workers = await Promise.all([startFleetWorker('w1', ['parked']), startFleetWorker('w2', ['parked'])])
}, 120_000)

afterAll(async () => {
  await celeriac?.stop()
  await Promise.all(workers.map(worker => worker.stop()))
  await webhook?.stop()
  await redis?.stop()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

const matches = (sample: ExposedSample, name: string, labels: Readonly<Record<string, string>>): boolean =>
  sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value)

/** The sum over all series that match; undefined when there is none. */
function sum(
  samples: readonly ExposedSample[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const found = samples.filter(sample => matches(sample, name, labels))
  return found.length === 0 ? undefined : found.reduce((total, { value }) => total + value, 0)
}

const COUNTERS = {
  sent: 'celery_task_sent_total',
  received: 'celery_task_received_total',
  started: 'celery_task_started_total',
  succeeded: 'celery_task_succeeded_total',
  failed: 'celery_task_failed_total',
  retried: 'celery_task_retry_total',
} as const

const kinds = Object.keys(COUNTERS) as (keyof typeof COUNTERS)[]

/** Counted by task and queue, in the producer's shape. */
const counted = (samples: readonly ExposedSample[], expected: Produced['expected']): unknown =>
  expected.map(({ task, queue }) => ({
    task,
    queue,
    ...Object.fromEntries(kinds.map(kind => [kind, sum(samples, COUNTERS[kind], { task, queue }) ?? 0])),
  }))

/** Number of a histogram's observations up to `bound`. */
const upTo = (
  samples: readonly ExposedSample[],
  name: string,
  labels: Record<string, string>,
  bound: number,
): number => sum(samples, `${name}_bucket`, { ...labels, le: String(bound) }) ?? Number.NaN

/** Every bucket must hold what the truth says, give or take what lies within the tolerance of its bound; so must the mean. */
function expectSameDistribution(
  samples: readonly ExposedSample[],
  name: string,
  labels: Record<string, string>,
  truth: readonly number[],
): void {
  expect(sum(samples, `${name}_count`, labels)).toBe(truth.length)
  const mean = truth.reduce((total, value) => total + value, 0) / truth.length
  expect(Math.abs((sum(samples, `${name}_sum`, labels) ?? Number.NaN) / truth.length - mean)).toBeLessThan(
    TOLERANCE_SECONDS,
  )
  for (const bound of [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]) {
    const inBucket = upTo(samples, name, labels, bound)
    expect(inBucket, `${name} up to ${bound}`).toBeGreaterThanOrEqual(
      truth.filter(value => value <= bound - TOLERANCE_SECONDS).length,
    )
    expect(inBucket, `${name} up to ${bound}`).toBeLessThanOrEqual(
      truth.filter(value => value <= bound + TOLERANCE_SECONDS).length,
    )
  }
}

/**
 * Each run of a retried task was sent once and started once, so each has its wait, although its events come over several
 * connections, mostly of two workers. When a retry was published lies between the start and the end of the run before it.
 */
function expectWaitsOfRetries(samples: readonly ExposedSample[], queue: string): void {
  const sent = new Map(produced.tasks.map(task => [task.id, task.sentAfter]))
  const own = runs.filter(run => run.task === 'fleet.flaky' && run.queue === queue)
  const ended = new Map(own.map(run => [`${run.id} ${run.retries}`, run]))
  let least = 0
  let most = 0
  for (const run of own) {
    const before = ended.get(`${run.id} ${run.retries - 1}`)
    const readyFrom = before === undefined ? (sent.get(run.id) ?? Number.NaN) : before.start + RETRY_COUNTDOWN
    const readyTo = before === undefined ? readyFrom : before.end + RETRY_COUNTDOWN
    least += Math.max(0, run.start - readyTo)
    most += Math.max(0, run.start - readyFrom)
  }
  const labels = { task: 'fleet.flaky', queue }
  expect(sum(samples, 'celery_task_wait_time_seconds_count', labels)).toBe(own.length)
  const told = (sum(samples, 'celery_task_wait_time_seconds_sum', labels) ?? Number.NaN) / own.length
  expect(told).toBeGreaterThan(least / own.length - TOLERANCE_SECONDS)
  expect(told).toBeLessThan(most / own.length + TOLERANCE_SECONDS)
}

describe.sequential('a real fleet, watched', () => {
  test('while workers are paused the depth of a queue is what was sent to it, all priorities summed', async () => {
    await eventually('both workers known', 20_000, async () =>
      sum(await celeriac.scrape(), 'celery_worker_count') === 2 ? true : undefined,
    )
    produced = await produce({ brokerUrl: redis.url, count: COUNT, queues: QUEUES })
    expect(Object.values(produced.depth).reduce((total, depth) => total + depth, 0)).toBe(COUNT)
    await eventually('depths', 20_000, async () => {
      const samples = await celeriac.scrape()
      return QUEUES.every(queue => sum(samples, 'celery_queue_depth', { queue }) === produced.depth[queue])
        ? true
        : undefined
    })
  })

  test('every counter equals the ground truth of the producer exactly', async () => {
    await startConsuming(redis.url, QUEUES)
    runs = await untilEnded(truthFile, produced.tasks, 120_000)
    const samples = await eventually('all ends counted', 20_000, async () => {
      const found = await celeriac.scrape()
      return sum(found, COUNTERS.succeeded) ===
        produced.expected.reduce((total, { succeeded }) => total + succeeded, 0)
        ? found
        : undefined
    })
    await sleep(1500)
    expect(counted(await celeriac.scrape(), produced.expected)).toEqual(produced.expected)
    expect(sum(samples, COUNTERS.failed, { exception: 'Planned' })).toBe(COUNT / 10)
    expect(sum(samples, 'celeriac_events_dropped_total') ?? 0).toBe(0)
    await eventually('empty queues say 0', 10_000, async () => {
      const found = await celeriac.scrape()
      return QUEUES.every(queue => sum(found, 'celery_queue_depth', { queue }) === 0) ? true : undefined
    })
  }, 180_000)

  test('runtime and wait histograms agree with what the tasks wrote down', async () => {
    const samples = await celeriac.scrape()
    const sent = new Map(produced.tasks.map(task => [task.id, task]))
    for (const queue of QUEUES) {
      for (const task of ['fleet.work', 'fleet.flaky']) {
        const ended = runs.filter(
          run => run.task === task && run.queue === queue && run.outcome === 'succeeded',
        )
        expectSameDistribution(
          samples,
          'celery_task_runtime_seconds',
          { task, queue },
          ended.map(run => run.end - run.start),
        )
      }
      for (const task of ['fleet.work', 'fleet.fail']) {
        const waits = runs
          .filter(run => run.task === task && run.queue === queue)
          .map(run => {
            const produce = sent.get(run.id)
            return Math.max(0, run.start - Math.max(produce?.sentAfter ?? Number.NaN, produce?.eta ?? 0))
          })
        expectSameDistribution(samples, 'celery_task_wait_time_seconds', { task, queue }, waits)
      }
      expectWaitsOfRetries(samples, queue)
    }
  })

  test('malformed, oversized and unknown events are counted, skipped and said, and nothing stops', async () => {
    const link: FleetLink = createRedisLink({
      target: parseBrokerUrl(redis.url) as never,
      clock: { now: () => Date.now(), after: () => () => {} },
      log: silentLog,
    })
    await link.connect()
    await link.publishRaw('task.sent', '{"body": 12')
    await link.publishRaw(
      'task.sent',
      JSON.stringify({
        body: 'x'.repeat(10 * 1024 * 1024),
        'content-type': 'application/json',
        properties: {},
      }),
    )
    await link.publishEvents({
      type: 'task-dreamt',
      hostname: 'w1@test',
      timestamp: Date.now() / 1000,
      clock: 1,
      uuid: 'u',
    })
    await link.close()
    const samples = await eventually('three skipped', 10_000, async () => {
      const found = await celeriac.scrape()
      return (sum(found, 'celeriac_events_skipped_total') ?? 0) >= 3 ? found : undefined
    })
    for (const reason of ['not_json', 'too_large', 'unknown_type']) {
      expect(sum(samples, 'celeriac_events_skipped_total', { reason }), reason).toBe(1)
      expect(celeriac.log()).toContain(`"reason":"${reason}"`)
    }
    expect(sum(samples, COUNTERS.succeeded)).toBe(
      produced.expected.reduce((total, { succeeded }) => total + succeeded, 0),
    )
  })

  test('Redis killed and restarted: nothing shows 0 meanwhile, it reconnects by itself, counters continue', async () => {
    const before = await celeriac.scrape()
    await redis.kill()
    await eventually('the loss is seen', 10_000, async () =>
      sum(await celeriac.scrape(), 'celery_broker_up') === 0 ? true : undefined,
    )
    for (let i = 0; i < 8; i++) {
      const during = await celeriac.scrape()
      expect(sum(during, 'celery_worker_count')).toBeUndefined()
      expect(sum(during, 'celery_queue_depth')).toBeUndefined()
      expect(sum(during, 'celery_active_tasks')).toBeUndefined()
      expect(sum(during, COUNTERS.succeeded)).toBe(sum(before, COUNTERS.succeeded))
      await sleep(500)
    }
    expect((await celeriac.get('/monitoring/health/redis')).status).toBe(503)
    expect((await celeriac.get('/-/ready')).status).toBe(503)
    await redis.restart()
    await eventually('back', 5000, async () =>
      sum(await celeriac.scrape(), 'celery_broker_up') === 1 ? true : undefined,
    )
    await eventually('workers back', 60_000, async () => {
      const count = sum(await celeriac.scrape(), 'celery_worker_count')
      expect(count).not.toBe(0)
      return count === 2 ? true : undefined
    })
    const more = await produce({ brokerUrl: redis.url, count: 20, queues: QUEUES, mix: 'work' })
    await untilEnded(truthFile, more.tasks, 60_000)
    await eventually('counters continue', 10_000, async () =>
      sum(await celeriac.scrape(), COUNTERS.succeeded) === (sum(before, COUNTERS.succeeded) ?? 0) + 20
        ? true
        : undefined,
    )
    expect(webhook.requests).toEqual([])
  }, 180_000)

  test('CeleryNoWorkers is told once when the workers are killed, and its end once when they return', async () => {
    await workers[0]?.kill()
    await eventually('one left', 30_000, async () =>
      sum(await celeriac.scrape(), 'celery_worker_count') === 1 ? true : undefined,
    )
    await workers[1]?.kill()
    const isAbout = (status: string) => (request: { readonly json: unknown }) => {
      const body = request.json as { status?: string; groupLabels?: Record<string, string> }
      return body.status === status && body.groupLabels?.['alertname'] === 'CeleryNoWorkers'
    }
    const firing = await webhook.until(isAbout('firing'), 60_000)
    expect(firing.json).toMatchObject({
      version: '4',
      receiver: 'hook',
      alerts: [
        {
          status: 'firing',
          labels: { alertname: 'CeleryNoWorkers', severity: 'critical', broker: 'default' },
        },
      ],
    })
    expect((await celeriac.get('/monitoring/health/celery')).status).toBe(503)
    // Their logs go only when they are stopped.
    await Promise.all(workers.map(worker => worker.stop()))
    workers = [await startFleetWorker('w1'), await startFleetWorker('w2')]
    await webhook.until(isAbout('resolved'), 60_000)
    await sleep(6000)
    const about = webhook.requests.filter(
      request =>
        (request.json as { groupLabels?: Record<string, string> }).groupLabels?.['alertname'] ===
        'CeleryNoWorkers',
    )
    expect(about.map(request => (request.json as { status: string }).status)).toEqual(['firing', 'resolved'])
  }, 240_000)
})
