import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Findings } from '../../src/contract/index.ts'
import type { ExposedSample } from '../../src/metrics/index.ts'
import { eventually, type RunningCeleriac, startCeleriac } from '../servers/celeriac.ts'
import { produce, type RunningWorker, startWorker } from '../servers/celery.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'

/**
 * The three sources, each on or off, against a real Redis and real workers: whatever is missing, what the others tell stays, what
 * is missing is absent and never 0, and the setting that would bring it is named. Four fleets, by database number, differ in what
 * their workers say; one Celeriac watches each twice, once as a user who may not read queues and server.
 */
interface Case {
  readonly broker: string
  readonly database: number
  readonly events: boolean
  readonly inspect: boolean
  readonly readings: boolean
}

const CASES: readonly Case[] = [true, false].flatMap(events =>
  [true, false].flatMap(inspect =>
    [true, false].map(readings => ({
      broker: `events-${events}.inspect-${inspect}.readings-${readings}`,
      database: 1 + Number(events) + 2 * Number(inspect),
      events,
      inspect,
      readings,
    })),
  ),
)

const METRICS = {
  events: [
    'celery_task_received_total',
    'celery_task_started_total',
    'celery_task_succeeded_total',
    'celery_task_runtime_seconds_count',
    'celery_task_sent_total',
    'celery_task_wait_time_seconds_count',
    'celery_worker_processed_total',
  ],
  inspect: [
    'celery_worker_concurrency',
    'celery_worker_consuming',
    'celery_worker_prefetch_count',
    'celery_queue_consumers',
    'celery_queue_free_slots',
    'celery_reserved_tasks',
    'celery_scheduled_tasks',
  ],
  readings: [
    'celery_queue_depth',
    'celery_queue_no_progress_seconds',
    'celery_broker_connected_clients',
    'redis_memory_used_bytes',
  ],
  /** From any of two sources. */
  workers: ['celery_worker_count', 'celery_worker_up'],
} as const

let folder: string
let redis: RedisServer
let workers: readonly RunningWorker[] = []
let celeriac: RunningCeleriac
let feeding: Promise<void>
const feed = new AbortController()

const fleets = CASES.filter(each => each.readings)
const urlOf = (database: number, user = ''): string => `redis://${user}127.0.0.1:${redis.port}/${database}`

async function feedUntil(signal: AbortSignal): Promise<void> {
  await Promise.all(
    fleets.map(({ database, events }) =>
      produce({
        brokerUrl: urlOf(database),
        count: 6,
        mix: 'work',
        settings: { task_send_sent_event: events },
      }),
    ),
  )
  await sleep(2000)
  if (!signal.aborted) await feedUntil(signal)
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'celeriac-matrix-'))
  redis = await startRedis({ args: ['user blind on >blind ~* &* +@all -llen -info -scan'] })
  celeriac = await startCeleriac(
    ['start'],
    JSON.stringify({
      workerTimeout: '6s',
      inspectInterval: '2s',
      brokers: CASES.map(({ broker, database, readings }) => ({
        name: broker,
        url: urlOf(database, readings ? '' : 'blind:blind@'),
      })),
    }),
  )
  workers = await Promise.all(
    fleets.map(({ database, events, inspect }) =>
      startWorker({
        brokerUrl: urlOf(database),
        name: `w${database}`,
        truthFile: join(folder, `truth-${database}`),
        concurrency: 1,
        events,
        // A worker without -E still sends heartbeats, unless it is told not to and gossip is off too.
        args: events ? [] : ['--without-heartbeat', '--without-gossip'],
        settings: { worker_enable_remote_control: inspect },
      }),
    ),
  )
  // Tasks run all the while, so that what is not seen is there to be seen.
  feeding = feedUntil(feed.signal)
}, 120_000)

afterAll(async () => {
  feed.abort()
  await feeding
  await celeriac?.stop()
  await Promise.all(workers.map(worker => worker.stop()))
  await redis?.stop()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

const expectedFindings = ({ events, inspect, readings }: Case): string[] =>
  [
    ...(!events && !inspect ? ['workers-silent'] : []),
    // Without all three not even the name of a queue is known.
    ...(!events && inspect ? ['no-events'] : []),
    ...(events && !inspect ? ['remote-control-off'] : []),
    ...(readings ? [] : ['discovery-refused', 'server-unreadable']),
    ...(readings ? [] : [events || inspect ? 'queues-unreadable' : 'no-queue']),
  ].sort()

describe.each(CASES)('$broker', each => {
  const { broker, events, inspect, readings } = each

  test('what is missing is named with its setting, and nothing else is', async () => {
    const findings = await eventually('the findings', 40_000, async () => {
      const { body } = await celeriac.get('/api/celeriac/findings')
      const found = (body as Findings).findings.filter(finding => finding.broker === broker)
      expect(found.map(({ code }) => code).sort()).toEqual(expectedFindings(each))
      return found
    })
    for (const { title, cost, fix } of findings) {
      expect(title).toMatch(/\.$/)
      expect(cost).toMatch(/\.$/)
      expect(fix).toMatch(
        /-E|worker_enable_remote_control|LLEN|INFO|SCAN|llen|info|scan|--queues|docs\/redis\.md/,
      )
    }
  })

  test('what can be seen stays, and what cannot is absent, never 0', async () => {
    const present = [
      'celery_broker_up',
      ...(events ? METRICS.events : []),
      ...(inspect ? METRICS.inspect : []),
      ...(readings ? METRICS.readings : []),
      ...(events || inspect ? METRICS.workers : []),
    ]
    const of = (samples: readonly ExposedSample[], name: string): readonly ExposedSample[] =>
      samples.filter(sample => sample.name === name && sample.labels['broker'] === broker)
    const samples = await eventually('the metrics', 40_000, async () => {
      const scraped = await celeriac.scrape()
      expect(present.filter(name => of(scraped, name).length === 0)).toEqual([])
      return scraped
    })
    const absent = Object.values(METRICS)
      .flat()
      .filter(name => !present.includes(name))
    for (const name of absent) expect(of(samples, name), name).toEqual([])
    if (events || inspect) {
      expect(of(samples, 'celery_worker_count')[0]?.value).toBe(1)
      expect(of(samples, 'celery_worker_up').map(({ labels }) => labels['worker'])).toEqual([
        `w${each.database}@test`,
      ])
    }
    if (inspect) expect(of(samples, 'celery_worker_concurrency')[0]?.value).toBe(1)
  })
})

test('workers that send nothing and answer nothing are not taken for nobody', async () => {
  const samples = await celeriac.scrape()
  const told = samples.filter(({ name, value }) => name === 'celery_worker_count' && value === 0)
  expect(told).toEqual([])
})
