/** What goes wrong with real workers, and what is told of it. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWatch } from '../../src/app/watch.ts'
import { type Clock, silentLog } from '../../src/base/index.ts'
import { createBroker } from '../../src/broker/index.ts'
import { createFleet, type Fleet, type FleetChange, type WorkerView } from '../../src/fleet/index.ts'
import { eventually } from '../servers/celeriac.ts'
import {
  APPS,
  produce,
  PYTHON,
  pythonEnvironment,
  type RunningWorker,
  startConsuming,
  startWorker,
  stopConsuming,
  SYSTEM_PYTHON,
  untilEnded,
  type WorkerOptions,
} from '../servers/celery.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'

const clock: Clock = {
  now: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs)
    return () => clearTimeout(timer)
  },
}

const WORKER_TIMEOUT_MS = 10_000
const PATIENCE_MS = 120_000

let folder: string
let redis: RedisServer
let workers: RunningWorker[] = []
let ends: (() => Promise<void>)[] = []

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'celeriac-trouble-'))
  redis = await startRedis()
})

afterAll(async () => {
  for (const end of ends) await end()
  await Promise.all(workers.map(worker => worker.stop()))
  await redis.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** A fleet on one of the databases of the server, watched as the program does. */
interface Watched {
  readonly url: string
  readonly fleet: Fleet
  readonly changes: FleetChange[]
  worker(): WorkerView | undefined
  start(options: Omit<WorkerOptions, 'brokerUrl'>): Promise<RunningWorker>
  /** Runs Python with the app and `control` at hand. */
  tell(code: string): Promise<void>
}

async function watch(database: number): Promise<Watched> {
  const url = redis.url.replace(/0$/, String(database))
  const broker = createBroker({ name: 'default', url, clock, log: silentLog })
  const intervals = { inspectIntervalMs: 2000, collectIntervalMs: 1000 }
  const fleet = createFleet({ workerTimeoutMs: WORKER_TIMEOUT_MS, ...intervals })
  const changes: FleetChange[] = []
  const watched = createWatch({
    broker,
    fleet,
    clock,
    log: silentLog,
    readIntervalMs: intervals.collectIntervalMs,
    inspectIntervalMs: intervals.inspectIntervalMs,
    sink: {
      decoded: ({ changes: found }) => void changes.push(...found),
      dropped() {},
      state() {},
      gapEnded() {},
      controlKeys() {},
    },
  })
  const ticks = setInterval(() => watched.advance(Date.now()), 500)
  watched.start()
  ends.push(async () => {
    clearInterval(ticks)
    await watched.stop()
  })
  await broker.ready(PATIENCE_MS)
  return {
    url,
    fleet,
    changes,
    worker: () => fleet.workers(Date.now())[0],
    async start(options) {
      const worker = await startWorker({ brokerUrl: url, ...options })
      workers.push(worker)
      await eventually(`${options.name} heard`, PATIENCE_MS, async () =>
        fleet.workers(Date.now()).find(view => view.worker === worker.node && view.concurrency !== null),
      )
      return worker
    },
    async tell(code) {
      await promisify(execFile)(PYTHON, ['-c', `from app.celery_app import app\n${code}`], {
        cwd: APPS.fleet,
        env: pythonEnvironment(url),
      })
    },
  }
}

const sendAll = (tasks: readonly (readonly [name: string, argument?: string | number])[]): string =>
  tasks
    .map(([name, argument]) => {
      const args = argument === undefined ? '()' : `(${JSON.stringify(argument)},)`
      return `app.send_task("${name}", ${args}, queue="default")`
    })
    .join('\n')

const failures = (changes: readonly FleetChange[]): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {}
  for (const change of changes)
    if (change.kind === 'task' && change.event === 'failed')
      counts[change.exception ?? 'none'] = (counts[change.exception ?? 'none'] ?? 0) + 1
  return counts
}

test.each([
  ['the newest Celery', PYTHON, 'NeedsMore', 1],
  // Debian's does not get an exception that cannot be pickled out of the pool, and names that as the failure.
  ['an old Celery', SYSTEM_PYTHON, 'MaybeEncodingError', 2],
])(
  'with %s every failure is told once and under its real class',
  async (name, python, unpickled, database) => {
    const fleet = await watch(database)
    await fleet.start({ name: 'w1', python, truthFile: join(folder, `${database}.jsonl`), concurrency: 2 })
    const kinds = ['odd', 'angled', 'unprintable', 'wrapping', 'needs_more', 'key']
    await fleet.tell(
      sendAll([
        ...kinds.map(kind => ['trouble.fail', kind] as const),
        ['trouble.die'],
        ['trouble.overrun'],
        ['trouble.overrun_softly'],
        ['trouble.nowhere'],
      ]),
    )
    const expected = {
      Odd: 1,
      Angled: 1,
      Unprintable: 1,
      Wrapping: 1,
      [unpickled]: 1,
      KeyError: 1,
      WorkerLostError: 1,
      TimeLimitExceeded: 1,
      SoftTimeLimitExceeded: 1,
      NotRegistered: 1,
    }
    const total = (counts: Readonly<Record<string, number>>) =>
      Object.values(counts).reduce((a, b) => a + b, 0)
    await eventually(`${name}: ten failures`, PATIENCE_MS, async () =>
      total(failures(fleet.changes)) >= total(expected) ? true : undefined,
    )
    // A second word of the time limit comes at once with the first.
    await fleet.tell(sendAll([['trouble.fail', 'key']]))
    await eventually(`${name}: one more`, PATIENCE_MS, async () =>
      failures(fleet.changes)['KeyError'] === 2 ? true : undefined,
    )
    expect(failures(fleet.changes)).toEqual({ ...expected, KeyError: 2 })
  },
  180_000,
)

test('a task whose worker is killed is orphaned within a minute, and delivered again it is no orphan any more', async () => {
  const fleet = await watch(3)
  const broker_transport_options = {
    priority_steps: [0, 3, 6, 9],
    queue_order_strategy: 'priority',
    visibility_timeout: 5,
  }
  const environment = { FLEET_SETTINGS: JSON.stringify({ broker_transport_options }) }
  const first = await fleet.start({ name: 'w1', truthFile: join(folder, '3.jsonl'), environment })
  await fleet.tell(sendAll([['trouble.hold', 20]]))
  const running = await eventually('running', PATIENCE_MS, async () => fleet.fleet.running(Date.now())[0])
  expect(running).toMatchObject({ task: 'trouble.hold', worker: 'w1@test' })
  const killedMs = Date.now()
  await first.kill()
  const [orphan] = await eventually('orphaned', PATIENCE_MS, async () => {
    const orphans = fleet.fleet.orphans()
    return orphans.length > 0 ? orphans : undefined
  })
  expect(Date.now() - killedMs).toBeLessThan(60_000)
  expect(orphan).toMatchObject({ id: running.id, task: 'trouble.hold', queue: 'default', worker: 'w1@test' })
  expect(fleet.fleet.running(Date.now())).toEqual([])
  // Another worker restores what nobody acknowledged ten seconds after its start.
  await fleet.start({ name: 'w2', truthFile: join(folder, '3.jsonl'), environment })
  await eventually('delivered again', PATIENCE_MS, async () =>
    fleet.changes.find(change => change.kind === 'redelivered'),
  )
  expect(fleet.fleet.orphans()).toEqual([])
  expect(fleet.fleet.redeliveries(Date.now())).toMatchObject([
    { task: 'trouble.hold', queue: 'default', id: running.id },
  ])
  expect(fleet.changes.filter(change => change.kind === 'orphaned')).toHaveLength(1)
}, 240_000)

test('what a pool of threads loses is counted close to the truth, and tasks that send no events are not', async () => {
  const fleet = await watch(4)
  const truthFile = join(folder, '4.jsonl')
  await fleet.start({ name: 'w1', python: SYSTEM_PYTHON, pool: 'threads', concurrency: 4, truthFile })
  const { tasks, expected } = await produce({ brokerUrl: fleet.url, count: 400, mix: 'work', seconds: 0.001 })
  await fleet.tell(`for i in range(50): app.send_task("trouble.silent", queue="default")`)
  await untilEnded(truthFile, tasks, PATIENCE_MS)
  const runs = expected.reduce((sum, { started }) => sum + started, 0)
  const counted = (kind: 'started' | 'events-lost') =>
    fleet.changes.reduce((sum, change) => {
      if (change.kind === 'task') return sum + Number(kind === 'started' && change.event === 'started')
      return sum + (change.kind === 'events-lost' && kind === 'events-lost' ? change.count : 0)
    }, 0)
  await eventually('lost events told', PATIENCE_MS, async () => {
    const missing = runs - counted('started')
    return Math.abs(counted('events-lost') - missing) <= Math.max(2, missing / 20) ? true : undefined
  })
  const processed = fleet.worker()?.processedTotal
  expect(processed).toBe(runs + 50)
}, 180_000)

test('a pool that scales itself is followed, with its processes', async () => {
  const fleet = await watch(5)
  const truthFile = join(folder, '5.jsonl')
  await fleet.start({ name: 'w1', truthFile, args: ['--autoscale=5,1'] })
  expect(fleet.worker()).toMatchObject({ pool: 'prefork', concurrency: 1 })
  await fleet.tell(sendAll(Array.from({ length: 8 }, () => ['trouble.hold', 4] as const)))
  await eventually('five processes', PATIENCE_MS, async () => {
    const view = fleet.worker()
    return view?.concurrency === 5 && view.pids?.length === 5 && view.active === 5 ? true : undefined
  })
  // The prefetch count is that of the largest pool.
  expect(fleet.worker()?.prefetch).toBe(20)
}, 120_000)

test('a worker told to consume nothing is alive and does not consume', async () => {
  const fleet = await watch(6)
  const worker = await fleet.start({ name: 'w1', truthFile: join(folder, '6.jsonl') })
  const until = (consuming: boolean) =>
    eventually(`consuming ${consuming}`, PATIENCE_MS, async () =>
      fleet.worker()?.consuming === consuming ? true : undefined,
    )
  await until(true)
  await stopConsuming(fleet.url, ['reports', 'default'], [worker.node])
  await until(false)
  expect(fleet.worker()).toMatchObject({ state: 'up', heartbeats: true, queues: [] })
  await startConsuming(fleet.url, ['default'], [worker.node])
  await until(true)
}, 120_000)
