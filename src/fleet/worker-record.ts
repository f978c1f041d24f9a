import type { WorkerState, WorkerView } from './contract.ts'

/** What one worker is known to be; null and NaN mean "not known". "Their clock" is the worker's own, in ms. */
export interface WorkerRecord {
  readonly name: string
  state: WorkerState
  sinceMs: number
  lastHeardMs: number
  /** Time of its newest event on their clock. */
  stampMs: number
  /** Receive time minus their time of its newest heartbeat: clock difference plus delay. NaN before the first. */
  delayMs: number
  /** Its last goodbye, on their clock and on ours. */
  goodbyeStampMs: number
  goodbyeAtMs: number
  /** NaN until a heartbeat said how often they come. */
  heartbeatMs: number
  pid: number | null
  version: string | null
  concurrency: number | null
  pool: string | null
  queues: readonly string[] | null
  /** Routing key to queue, for the queues it consumes. */
  routes: ReadonlyMap<string, string>
  onlyQueue: string
  active: number | null
  activeAtMs: number
  reserved: number | null
  reservedAtMs: number
  scheduled: number | null
  scheduledAtMs: number
  processed: number | null
  /** `processed` when a task event was last seen; -1: to be taken from the next heartbeat. */
  processedBase: number
  /** Heartbeats in a row that told of more tasks while no task event came: from 2 on it sends none. */
  silentRises: number
  /** A solo pool that runs a task answers and beats only afterwards. */
  running: boolean
  /** When it last answered anything. */
  answeredAtMs: number
}

export const makeWorker = (name: string, state: WorkerState, atMs: number): WorkerRecord => ({
  name,
  state,
  sinceMs: atMs,
  lastHeardMs: atMs,
  stampMs: Number.NEGATIVE_INFINITY,
  delayMs: Number.NaN,
  goodbyeStampMs: Number.NEGATIVE_INFINITY,
  goodbyeAtMs: Number.NEGATIVE_INFINITY,
  heartbeatMs: Number.NaN,
  pid: null,
  version: null,
  concurrency: null,
  pool: null,
  queues: null,
  routes: new Map(),
  onlyQueue: '',
  active: null,
  activeAtMs: Number.NEGATIVE_INFINITY,
  reserved: null,
  reservedAtMs: Number.NEGATIVE_INFINITY,
  scheduled: null,
  scheduledAtMs: Number.NEGATIVE_INFINITY,
  processed: null,
  processedBase: -1,
  silentRises: 0,
  running: false,
  answeredAtMs: Number.NEGATIVE_INFINITY,
})

/** A new process under the same name: nothing that was said of the old one holds. */
export function forgetProcess(worker: WorkerRecord): void {
  worker.concurrency = worker.pool = worker.queues = worker.active = null
  worker.reserved = worker.scheduled = worker.processed = null
  worker.routes = new Map()
  worker.onlyQueue = ''
  worker.heartbeatMs = Number.NaN
  worker.processedBase = -1
  worker.silentRises = 0
  worker.running = false
}

export const isPresent = (worker: WorkerRecord): boolean =>
  worker.state === 'up' || worker.state === 'suspect'

/**
 * How it is told: what it holds is told only while it is known to be present, and no longer than `freshMs` after it was said.
 * `listeningSinceMs`: since when silence means something; NaN while nothing can be heard.
 */
export function viewOf(
  worker: WorkerRecord,
  nowMs: number,
  freshMs: number,
  listeningSinceMs: number,
): WorkerView {
  const uncertain = isPresent(worker) && !(worker.lastHeardMs >= listeningSinceMs)
  const told = (value: number | null, atMs: number): number | null =>
    isPresent(worker) && !uncertain && nowMs - atMs <= freshMs ? value : null
  return {
    worker: worker.name,
    state: worker.state,
    sinceMs: worker.sinceMs,
    lastHeardMs: worker.lastHeardMs,
    concurrency: worker.concurrency,
    active: told(worker.active, worker.activeAtMs),
    reserved: told(worker.reserved, worker.reservedAtMs),
    scheduled: told(worker.scheduled, worker.scheduledAtMs),
    processedTotal: worker.processed,
    queues: worker.queues,
    pool: worker.pool,
    version: worker.version,
    pid: worker.pid,
    pids: null,
    heartbeats: null,
    consuming: null,
    prefetch: null,
    clockSkewSeconds: null,
    clockFault: null,
    ...(uncertain ? { uncertain: true as const } : {}),
  }
}
