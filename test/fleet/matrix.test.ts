import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ExposedSample } from '../../src/metrics/index.ts'
import { eventually, type RunningCeleriac, startCeleriac } from '../servers/celeriac.ts'
import {
  produce,
  type Produced,
  PYTHON,
  type RunningWorker,
  startWorker,
  SYSTEM_PYTHON,
  untilEnded,
} from '../servers/celery.ts'
import { type RabbitmqServer, startRabbitmq } from '../servers/rabbitmq.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'

/**
 * One Celeriac on many brokers: two Celeries, four pools, two transports, each with a broker of its own (a database of one Redis, a
 * virtual host of one RabbitMQ). Sixteen workers want a machine of their own for minutes, so it runs only when asked for:
 * CELERIAC_TEST_TASKS says how many tasks each gets, 5000 for the full proof.
 */
const TASKS = Number(process.env['CELERIAC_TEST_TASKS'] ?? 0)
const SECONDS = 0.001
const TRANSPORTS = ['redis', 'amqp'] as const
const POOLS = ['prefork', 'threads', 'solo', 'gevent'] as const
const CELERIES = [
  ['newest', PYTHON],
  ['debian', SYSTEM_PYTHON],
] as const

interface Combination {
  readonly name: string
  readonly url: string
  readonly python: string
  readonly pool: (typeof POOLS)[number]
  readonly truthFile: string
}

let folder: string | undefined
let redis: RedisServer
let rabbitmq: RabbitmqServer
let celeriac: RunningCeleriac
let workers: RunningWorker[] = []
let combinations: Combination[] = []

beforeAll(async () => {
  if (TASKS === 0) return
  folder = mkdtempSync(join(tmpdir(), 'celeriac-matrix-'))
  ;[redis, rabbitmq] = await Promise.all([startRedis(), startRabbitmq()])
  let database = 0
  for (const transport of TRANSPORTS)
    for (const [celery, python] of CELERIES)
      for (const pool of POOLS) {
        const name = `${transport}-${celery}-${pool}`
        let url = redis.url.replace(/0$/, String(database))
        if (transport === 'redis') database++
        else {
          await rabbitmq.ctl('add_vhost', name)
          await rabbitmq.ctl('set_permissions', '-p', name, 'guest', '.*', '.*', '.*')
          url = rabbitmq.url.replace(/\/*(%2f)?$/i, `/${name}`)
        }
        combinations.push({ name, url, python, pool, truthFile: join(folder ?? '', `${name}.jsonl`) })
      }
  const brokers = combinations.map(({ name, url }) => `  - { name: ${name}, url: '${url}' }`).join('\n')
  celeriac = await startCeleriac(['start'], `brokers:\n${brokers}\ninspectInterval: 5s\n`)
  for (const { name, url, python, pool, truthFile } of combinations)
    workers.push(
      await startWorker({
        brokerUrl: url,
        name,
        python,
        pool,
        truthFile,
        concurrency: pool === 'solo' ? 1 : 2,
      }),
    )
}, 300_000)

afterAll(async () => {
  await celeriac?.stop()
  await Promise.all(workers.map(worker => worker.stop()))
  await redis?.stop()
  await rabbitmq?.stop()
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
}, 120_000)

const COUNTERS = {
  sent: 'celery_task_sent_total',
  received: 'celery_task_received_total',
  started: 'celery_task_started_total',
  succeeded: 'celery_task_succeeded_total',
  failed: 'celery_task_failed_total',
  retried: 'celery_task_retry_total',
} as const
const kinds = Object.keys(COUNTERS) as (keyof typeof COUNTERS)[]

function sum(
  samples: readonly ExposedSample[],
  name: string,
  labels: Readonly<Record<string, string>>,
): number {
  return samples
    .filter(sample => sample.name === name)
    .filter(sample => Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
    .reduce((total, { value }) => total + value, 0)
}

const counted = (
  samples: readonly ExposedSample[],
  broker: string,
  expected: Produced['expected'],
): unknown =>
  expected.map(({ task, queue }) => ({
    task,
    queue,
    ...Object.fromEntries(kinds.map(kind => [kind, sum(samples, COUNTERS[kind], { broker, task, queue })])),
  }))

/** Celery up to 5.6.3 loses events of the threads pool inside the worker (`events/dispatcher.py`, `flush`). */
const losesEvents = ({ pool, python }: Combination): boolean => pool === 'threads' && python === SYSTEM_PYTHON

describe.skipIf(TASKS === 0)('every transport, Celery and pool', () => {
  test('the counters equal what was sent and done; what Celery itself lost is counted as lost', async () => {
    await eventually('all workers known', 120_000, async () => {
      const samples = await celeriac.scrape()
      return combinations.every(({ name }) => sum(samples, 'celery_worker_up', { broker: name }) === 1)
        ? true
        : undefined
    })
    const truths = await Promise.all(
      combinations.map(async combination => {
        const produced = await produce({ brokerUrl: combination.url, count: TASKS, seconds: SECONDS })
        await untilEnded(combination.truthFile, produced.tasks, 60_000 + TASKS * 200)
        return { combination, produced }
      }),
    )
    for (const { combination, produced } of truths) {
      const { name } = combination
      if (losesEvents(combination)) {
        const runs = produced.expected.reduce((total, { started }) => total + started, 0)
        await eventually(`${name}: lost events told`, 60_000, async () => {
          const samples = await celeriac.scrape()
          const missing = runs - sum(samples, COUNTERS.started, { broker: name })
          const lost = sum(samples, 'celery_events_lost_total', { broker: name })
          return missing >= 0 && Math.abs(lost - missing) <= Math.max(2, missing / 10) ? true : undefined
        })
        continue
      }
      await eventually(`${name}: all ends counted`, 30_000, async () => {
        const samples = await celeriac.scrape()
        const ends = produced.expected.reduce((total, each) => total + each.succeeded + each.failed, 0)
        const seen =
          sum(samples, COUNTERS.succeeded, { broker: name }) + sum(samples, COUNTERS.failed, { broker: name })
        return seen === ends ? true : undefined
      })
    }
    await sleep(1500)
    const samples = await celeriac.scrape()
    for (const { combination, produced } of truths) {
      if (losesEvents(combination)) continue
      const { name } = combination
      expect(counted(samples, name, produced.expected), name).toEqual(produced.expected)
      expect(sum(samples, 'celery_events_lost_total', { broker: name }), `${name}: lost`).toBe(0)
    }
  }, 3_600_000)

  test('the size of every kind of pool is known', async () => {
    await eventually('sizes', 60_000, async () => {
      const samples = await celeriac.scrape()
      return combinations.every(
        ({ name, pool }) =>
          sum(samples, 'celery_worker_concurrency', { broker: name }) === (pool === 'solo' ? 1 : 2),
      )
        ? true
        : undefined
    })
  })
})
