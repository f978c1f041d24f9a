import { expect } from 'vitest'
import type { CeleryEvent } from '../celery/index.ts'
import {
  createFleet,
  type Fleet,
  type QueueView,
  type RedeliveriesView,
  type RunningView,
  type ServerState,
  type WorkerView,
} from '../fleet/index.ts'
import { type Connection, type Finding, findFindings, Observations } from './index.ts'

/** A worker as it behaves; everything defaults to what a healthy one does. */
export interface WorkerPart {
  readonly name: string
  readonly pids?: readonly number[]
  readonly beats?: boolean
  readonly taskEvents?: boolean
  readonly answers?: 'json' | 'pickle' | 'none'
  readonly pool?: string
  readonly version?: string
  readonly queues?: readonly string[]
  /** What the fleet says of it beyond what it is told here. */
  readonly view?: Partial<WorkerView>
}

/** What happens on the stage besides: everything defaults to health. */
export interface Play {
  readonly seconds?: number
  readonly workers?: readonly WorkerPart[]
  /** Names of the tasks that run, one a second each on the first worker that consumes `reports`. */
  readonly tasks?: readonly string[]
  /** Whether the sender of a task tells. */
  readonly sent?: (task: string) => boolean
  readonly server?: Partial<ServerState> | null
  /** Depths of queues; the binding table names them all. */
  readonly depths?: Readonly<Record<string, number>>
  readonly queueView?: (view: QueueView) => QueueView
  readonly running?: readonly RunningView[]
  readonly redeliveries?: readonly RedeliveriesView[]
  readonly connection?: Partial<Connection>
  /** Has its way with what was observed, once a second. */
  readonly each?: (seen: Observations, second: number, nowMs: number) => void
}

const T0 = Date.UTC(2026, 5, 1, 12)
export const SERVER: ServerState = {
  version: '7.2.4',
  memoryUsedBytes: 50e6,
  memoryMaxBytes: 1e9,
  connectedClients: 40,
  maxClients: 10_000,
  evictedKeysTotal: 0,
  maxmemoryPolicy: 'noeviction',
  roundTripSeconds: 0.0003,
  blockedConsumers: 2,
  unacked: 1,
  unackedOldestAgeSeconds: 2,
  unackedOverdue: 0,
  redeliveryTimeoutSeconds: 3600,
  alarms: [],
}

const CONNECTION: Connection = {
  transport: 'redis',
  address: 'redis://cache:6379/0',
  state: 'connected',
  serverVersion: '7.2.4',
  error: null,
  managementUrl: false,
  enableEvents: false,
}

const INSPECT_MS = 4000

/** Plays a fleet on a real fleet state, once a second, and tells what is found at the end: codes of all that is not ok, and all of it. */
export function play(part: Play = {}): {
  readonly codes: readonly string[]
  readonly all: readonly Finding[]
} {
  const { seconds = 20, workers = [{ name: 'w1@a' }, { name: 'w2@a' }], tasks = ['shop.pay'] } = part
  const fleet = createFleet({
    broker: 'default',
    collectIntervalMs: 1000,
    inspectIntervalMs: INSPECT_MS,
    workerTimeoutMs: 10_000,
  })
  const seen = new Observations()
  const processed = new Map<string, number>()
  let nowMs = T0
  let uuid = 0
  let events = 0
  const apply = (event: Record<string, unknown>): void => {
    fleet.apply({ timestamp: nowMs / 1000, clock: 1, ...event } as CeleryEvent, nowMs)
    events++
  }
  const pidOf = (worker: WorkerPart, second: number): number => {
    const pids = worker.pids ?? [100]
    return pids[Math.floor(second / 2) % pids.length] ?? 100
  }
  const beat = (worker: WorkerPart, second: number): void => {
    if (worker.beats === false) return
    apply({
      type: 'worker-heartbeat',
      hostname: worker.name,
      pid: pidOf(worker, second),
      freq: 2,
      active: 0,
      processed: processed.get(worker.name) ?? 0,
      sw_ident: 'py-celery',
      sw_ver: worker.version ?? '5.6.3',
      sw_sys: 'Linux',
    })
  }
  const run = (name: string, worker: WorkerPart, second: number): void => {
    const id = String(uuid++)
    const of = { uuid: id, hostname: worker.name, pid: pidOf(worker, second) }
    processed.set(worker.name, (processed.get(worker.name) ?? 0) + 1)
    if (part.sent?.(name) ?? true)
      apply({
        type: 'task-sent',
        uuid: id,
        hostname: 'gen7@web-1',
        name,
        queue: 'reports',
        retries: 0,
        eta: null,
      })
    if (worker.taskEvents === false) return
    apply({ type: 'task-received', ...of, name, retries: 0, eta: null })
    apply({ type: 'task-started', ...of })
    apply({ type: 'task-succeeded', ...of, runtime: 0.01 })
  }
  const ask = (): void => {
    const askedAtMs = nowMs - 5
    const up = fleet.workers(nowMs).flatMap(({ worker, state }) => (state === 'up' ? [worker] : []))
    const answering = workers.filter(worker => worker.answers !== 'none')
    const values: Readonly<Record<string, (worker: WorkerPart) => unknown>> = {
      stats: worker => ({
        pid: pidOf(worker, 0),
        pool: {
          implementation: `celery.concurrency.${worker.pool === 'threads' ? 'thread' : (worker.pool ?? 'prefork')}:TaskPool`,
          'max-concurrency': 4,
        },
      }),
      active_queues: worker => (worker.queues ?? ['reports']).map(name => ({ name, routing_key: name })),
      active: () => [],
      reserved: () => [],
      scheduled: () => [],
    }
    for (const method of ['stats', 'active_queues', 'active', 'reserved', 'scheduled'] as const) {
      const replies = answering.map(worker =>
        worker.answers === 'pickle'
          ? { node: worker.name, ok: false, error: 'pickle', serializer: 'application/x-python-serialize' }
          : { node: worker.name, ok: true },
      )
      seen.round({ method, askedAtMs, expected: method === 'stats' ? up : [], replies })
      fleet.observe(
        {
          kind: 'inspect',
          method,
          askedAtMs,
          replies: new Map(
            answering.map(worker => [
              worker.name,
              worker.answers === 'pickle' ? undefined : values[method]?.(worker),
            ]),
          ),
        },
        nowMs,
      )
    }
  }
  const state = fleetState(fleet, part, workers)
  const hear = (): void => {
    seen.heard({ events, problems: [], changes: fleet.drainChanges() }, nowMs)
    events = 0
  }

  fleet.observe({ kind: 'broker-connected' }, nowMs)
  seen.connected(nowMs)
  for (const kind of ['queues', 'discovery', 'server', 'control'] as const) seen.reading(kind, null)
  const depths = part.depths ?? { reports: 0 }
  fleet.knowQueues(Object.keys(depths))
  for (let second = 0; second <= seconds; second++) {
    for (const worker of workers) if (second % 2 === 0) beat(worker, second)
    for (const task of tasks) {
      const able = workers.filter(worker => (worker.queues ?? ['reports']).includes('reports'))
      const worker = able[second % Math.max(1, able.length)]
      if (worker !== undefined && second > 1) run(task, worker, second)
    }
    hear()
    if (second % (INSPECT_MS / 1000) === 0) ask()
    fleet.observe(
      {
        kind: 'queues',
        queues: Object.entries(depths).map(([queue, depth]) => ({
          queue,
          depth,
          heads: null,
          newest: null,
          deliveredTotal: null,
          unacked: null,
          consumers: null,
        })),
      },
      nowMs,
    )
    if (part.server !== null) fleet.observe({ kind: 'server', server: { ...SERVER, ...part.server } }, nowMs)
    part.each?.(seen, second, nowMs)
    fleet.tick(nowMs)
    hear()
    seen.look(state, nowMs)
    nowMs += 1000
  }
  const all = findFindings({
    nowMs,
    connection: { ...CONNECTION, ...part.connection },
    fleet: state,
    seen,
    inspectIntervalMs: INSPECT_MS,
  })
  return { codes: all.filter(({ level }) => level !== 'ok').map(({ code }) => code), all }
}

/** The real state, with what a part says beyond it. */
function fleetState(fleet: Fleet, part: Play, workers: readonly WorkerPart[]) {
  return {
    broker: fleet.broker,
    workers: (nowMs: number) =>
      fleet
        .workers(nowMs)
        .map(view => ({ ...view, ...workers.find(({ name }) => name === view.worker)?.view })),
    queues: (nowMs: number) => fleet.queues(nowMs).map(view => part.queueView?.(view) ?? view),
    totals: (nowMs: number) => fleet.totals(nowMs),
    server: (nowMs: number) => fleet.server(nowMs),
    sources: (nowMs: number) => fleet.sources(nowMs),
    running: (nowMs: number) => part.running ?? fleet.running(nowMs),
    redeliveries: (nowMs: number) => part.redeliveries ?? fleet.redeliveries(nowMs),
  }
}

/** The one finding that is not ok; fails when there is another. */
export function one(part: Play): Finding {
  const { all, codes } = play(part)
  expect(codes).toHaveLength(1)
  return all.find(({ level }) => level !== 'ok')!
}

/** A worker that differs from a healthy one in this. */
export const W = (name: string, rest: object = {}): { name: string } => ({ name, ...rest })
