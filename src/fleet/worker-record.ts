import type { WorkerState, WorkerView } from './contract.ts'
import { WorkerLife } from './worker-life.ts'

/** A name that workers go by, and the processes behind it. "Their clock" is the worker's own, in ms. */
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
  /** When it last answered anything. */
  answeredAtMs: number
  life: WorkerLife
  /** Processes that `life` seems to have replaced: another may go by the same name, and then both are heard in turn. */
  readonly former: WorkerLife[]
  /** See `WorkerView.returns`; when the last was, and the count that the newest heartbeat fell from. */
  returns: number
  returnedAtMs: number
  fellFrom: number | null
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
  answeredAtMs: Number.NEGATIVE_INFINITY,
  life: new WorkerLife(name, null, atMs, Number.NEGATIVE_INFINITY),
  former: [],
  returns: 0,
  returnedAtMs: Number.NEGATIVE_INFINITY,
  fellFrom: null,
})

/** Changes between processes that follow each other faster are one. */
const RETURN_MS = 1_000

/** A process is heard again after another took its place. None does that, so both must live. */
export function noteReturn(worker: WorkerRecord, atMs: number): void {
  if (atMs - worker.returnedAtMs < RETURN_MS) return
  worker.returns++
  worker.returnedAtMs = atMs
}

/** Takes the count of a heartbeat. In containers every worker has pid 1: there the count goes back and forth between two. */
export function noteCount(worker: WorkerRecord, processed: number | undefined, atMs: number): void {
  const before = worker.life.processed
  if (processed === undefined || before === null) return
  if (processed < before) worker.fellFrom = before
  else if (worker.fellFrom !== null) {
    if (processed >= worker.fellFrom) noteReturn(worker, atMs)
    worker.fellFrom = null
  }
}

/** A new process begins, or none has returned for as long as a worker needs to vanish. */
export function forgetReturns(worker: WorkerRecord): void {
  worker.returns = 0
  worker.returnedAtMs = Number.NEGATIVE_INFINITY
  worker.fellFrom = null
}

export const isPresent = (worker: WorkerRecord): boolean =>
  worker.state === 'up' || worker.state === 'suspect'

/** What the views of workers are told by. */
export interface ViewTime {
  readonly nowMs: number
  /** An answer older than this is no longer told. */
  readonly freshMs: number
  /** Since when silence means something; NaN while nothing can be heard. */
  readonly listeningSinceMs: number
  /** Within this time a worker that beats was heard to beat. */
  readonly beatsWithinMs: number
}

/** True while it is counted as present although it was not heard since the broker came back. */
export const isUncertain = (worker: WorkerRecord, { listeningSinceMs }: ViewTime): boolean =>
  isPresent(worker) && !(worker.lastHeardMs >= listeningSinceMs)

/** How it is told: what it holds is told only while it is known to be present, and no longer than `freshMs` after it was said. */
export function viewOf(worker: WorkerRecord, time: ViewTime): WorkerView {
  const { life } = worker
  const uncertain = isUncertain(worker, time)
  const known = isPresent(worker) && !uncertain
  const told = (value: number | null, atMs: number): number | null =>
    known && time.nowMs - atMs <= time.freshMs ? value : null
  const skewMs = life.clock.medianMs
  return {
    worker: worker.name,
    state: worker.state,
    sinceMs: worker.sinceMs,
    lastHeardMs: worker.lastHeardMs,
    concurrency: life.concurrency,
    // A solo pool beats between its tasks only, and then always says that none is active.
    active: known && life.isDeafened ? 1 : told(life.active, life.activeAtMs),
    reserved: told(life.reserved, life.reservedAtMs),
    scheduled: told(life.scheduled, life.scheduledAtMs),
    processedTotal: life.processed,
    queues: life.queues,
    pool: life.pool,
    version: life.version,
    pid: life.pid,
    pids: life.pids,
    returns: worker.returns,
    heartbeats: known ? hasHeartbeats(life, time) : null,
    consuming: known ? life.consuming.told(time.nowMs, life.isDeafened ? Infinity : time.freshMs) : null,
    prefetch: known ? life.prefetch : null,
    clockSkewSeconds: known && !Number.isNaN(skewMs) ? skewMs / 1000 : null,
    clockFault: known ? life.clock.fault : null,
    ...(uncertain ? { uncertain: true as const } : {}),
  }
}

function hasHeartbeats(life: WorkerLife, time: ViewTime): boolean | null {
  if (!Number.isNaN(life.heartbeatMs)) return true
  const heardForMs = time.nowMs - Math.max(life.metAtMs, time.listeningSinceMs)
  return heardForMs >= time.beatsWithinMs && !life.isDeafened ? false : null
}
