import { mkdtempSync, rmSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ExposedSample } from '../../src/metrics/index.ts'
import { parseExposition } from '../../src/metrics/index.ts'
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

/**
 * The built program in celery-exporter's place, started as a deployment of celery-exporter starts it: with its variables and nothing
 * else that says so. Two real workers of different pools share a host; what the page says is compared with the truth.
 */
const COUNT = 200
const QUEUES = ['reports', 'default']

let folder: string
let truthFile: string
let redis: RedisServer
let celeriac: RunningCeleriac
let workers: RunningWorker[] = []
let produced: Produced
let runs: TaskRun[]

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'celeriac-drop-in-'))
  truthFile = join(folder, 'truth.jsonl')
  redis = await startRedis()
  celeriac = await startCeleriac([], 'inspectInterval: 2s\n', {
    CE_BROKER_URL: redis.url,
    CE_RETRY_INTERVAL: '5',
    CE_LOG_LEVEL: 'INFO',
    CE_QUEUES: 'idle',
    CE_STATIC_LABEL: 'env=test',
  })
  const worker = (name: string, pool: 'prefork' | 'threads', concurrency: number): Promise<RunningWorker> =>
    startWorker({ brokerUrl: redis.url, name, pool, concurrency, queues: ['parked'], truthFile })
  workers = await Promise.all([worker('w1', 'prefork', 2), worker('w2', 'threads', 3)])
}, 120_000)

afterAll(async () => {
  await celeriac?.stop()
  await Promise.all(workers.map(worker => worker.stop()))
  await redis?.stop()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

type Labels = Readonly<Record<string, string>>

/** The sum over all series that match; undefined when there is none. */
function sum(samples: readonly ExposedSample[], name: string, labels: Labels = {}): number | undefined {
  const found = samples.filter(
    sample =>
      sample.name === name &&
      Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  )
  return found.length === 0 ? undefined : found.reduce((total, { value }) => total + value, 0)
}

/** Polls the page until all of these hold. */
const untilSaid = (timeoutMs: number, wanted: readonly (readonly [string, Labels, number])[]) => {
  let last: unknown
  return eventually('the page', timeoutMs, async () => {
    const samples = await celeriac.scrape()
    last = wanted.map(([name, labels]) => [name, labels, sum(samples, name, labels)])
    return wanted.every(([name, labels, value]) => sum(samples, name, labels) === value) ? samples : undefined
  }).catch((error: unknown) => {
    throw new Error(`the page said ${JSON.stringify(last)}, expected ${JSON.stringify(wanted)}`, {
      cause: error,
    })
  })
}

describe.sequential("a real fleet, watched in celery-exporter's place", () => {
  test('its page is on /metrics, that of Celeriac beside it, and every series carries the static label', async () => {
    const samples = await untilSaid(30_000, [['celery_worker_up', { hostname: 'test' }, 1]])
    expect(samples.every(({ labels }) => labels['env'] === 'test')).toBe(true)
    const text = async (path: string): Promise<string> => (await fetch(celeriac.url + path)).text()
    expect(parseExposition(await text('/metrics/celery-exporter')).types).toEqual(
      parseExposition(await text('/metrics')).types,
    )
    // The host is up as soon as one of its workers is heard; the other may come a moment later.
    await eventually('both workers', 30_000, async () =>
      (await text('/metrics/celeriac')).includes('celery_worker_count{broker="default"} 2')
        ? true
        : undefined,
    )
    const health = await fetch(`${celeriac.url}/health`)
    expect([health.status, await health.text()]).toEqual([200, `Connected to the broker ${redis.url}`])
    expect(celeriac.log()).toContain('Standing in for celery-exporter')
  })

  test('the length of a queue holds all priorities, one that is empty is 0, and slots are those of both pools', async () => {
    produced = await produce({ brokerUrl: redis.url, count: COUNT, queues: QUEUES })
    const samples = await untilSaid(30_000, [
      ...QUEUES.map(
        queue => ['celery_queue_length', { queue_name: queue }, produced.depth[queue] ?? 0] as const,
      ),
      ['celery_queue_length', { queue_name: 'idle' }, 0],
      ['celery_active_worker_count', { queue_name: 'reports' }, 0],
      ['celery_active_worker_count', { queue_name: 'parked' }, 2],
      ['celery_active_process_count', { queue_name: 'parked' }, 5],
    ])
    expect(sum(samples, 'celery_task_sent_total', { hostname: hostname() })).toBe(COUNT)
  })

  test('every counter is the truth by task, queue and host, and the exception is the real one', async () => {
    await startConsuming(redis.url, QUEUES)
    runs = await untilEnded(truthFile, produced.tasks, 120_000)
    const ended = (kind: 'succeeded' | 'failed'): number =>
      produced.expected.reduce((total, counts) => total + counts[kind], 0)
    await untilSaid(30_000, [
      ['celery_task_succeeded_total', {}, ended('succeeded')],
      ['celery_task_failed_total', {}, ended('failed')],
    ])
    await sleep(1500)
    const samples = await celeriac.scrape()
    for (const { task, queue, ...counts } of produced.expected) {
      const of = { name: task, queue_name: queue }
      for (const kind of ['received', 'started', 'succeeded', 'failed', 'retried'] as const)
        expect(
          sum(samples, `celery_task_${kind}_total`, { ...of, hostname: 'test' }),
          `${kind} ${task}`,
        ).toBe(counts[kind])
      // Retries are published by workers, whose processes are clients then.
      expect(sum(samples, 'celery_task_sent_total', of), `sent ${task}`).toBe(counts.sent)
    }
    expect(sum(samples, 'celery_task_failed_total', { exception: 'Planned' })).toBe(ended('failed'))
    expect(
      samples.filter(({ labels }) => Object.values(labels).some(value => /^(None|)$/.test(value))),
    ).toEqual([])
  }, 180_000)

  test('run times and waits are those that the tasks wrote down', async () => {
    const samples = await celeriac.scrape()
    const sent = new Map(produced.tasks.map(task => [task.id, task]))
    for (const queue of QUEUES) {
      const of = { name: 'fleet.work', queue_name: queue, hostname: 'test' }
      const ended = runs.filter(run => run.task === 'fleet.work' && run.queue === queue)
      const seconds = (told: (run: TaskRun) => number): number =>
        ended.reduce((total, run) => total + told(run), 0) / ended.length
      const mean = (name: string): number =>
        (sum(samples, `${name}_sum`, of) ?? Number.NaN) / (sum(samples, `${name}_count`, of) ?? Number.NaN)
      expect(sum(samples, 'celery_task_runtime_count', of)).toBe(ended.length)
      expect(sum(samples, 'celery_task_runtime_bucket', { ...of, le: '10.0' })).toBe(ended.length)
      expect(mean('celery_task_runtime')).toBeCloseTo(
        seconds(run => run.end - run.start),
        1,
      )
      expect(sum(samples, 'celery_task_queue_wait_time_count', of)).toBe(ended.length)
      expect(mean('celery_task_queue_wait_time')).toBeCloseTo(
        seconds(run =>
          Math.max(0, run.start - Math.max(sent.get(run.id)?.sentAfter ?? NaN, sent.get(run.id)?.eta ?? 0)),
        ),
        1,
      )
    }
  })

  test('one of two workers on a host stops: the host is up; both: it is down and executes nothing', async () => {
    await workers[0]?.stop()
    await untilSaid(30_000, [['celery_active_worker_count', { queue_name: 'reports' }, 1]])
    const samples = await celeriac.scrape()
    expect(sum(samples, 'celery_worker_up', { hostname: 'test' })).toBe(1)
    expect(sum(samples, 'celery_active_process_count', { queue_name: 'reports' })).toBe(3)
    await workers[1]?.stop()
    await untilSaid(30_000, [
      ['celery_worker_up', { hostname: 'test' }, 0],
      ['celery_worker_tasks_active', { hostname: 'test' }, 0],
      ['celery_active_worker_count', { queue_name: 'reports' }, 0],
    ])
  })

  test('without its broker scrapes and probes fail as those of celery-exporter do; afterwards the counters go on', async () => {
    const before = sum(await celeriac.scrape(), 'celery_task_succeeded_total')
    await redis.kill()
    await eventually('500', 20_000, async () =>
      (await fetch(`${celeriac.url}/metrics`)).status === 500 ? true : undefined,
    )
    const health = await fetch(`${celeriac.url}/health`)
    expect([health.status, await health.text()]).toEqual([500, `Not connected to the broker ${redis.url}`])
    // What keeps counting need not be restarted: this is what a liveness probe should ask.
    expect((await celeriac.get('/-/healthy')).status).toBe(200)
    await redis.restart()
    await eventually('200', 20_000, async () =>
      (await fetch(`${celeriac.url}/metrics`)).status === 200 ? true : undefined,
    )
    expect(sum(await celeriac.scrape(), 'celery_task_succeeded_total')).toBe(before)
  }, 60_000)
})
