import type {
  TaskCancelledEvent,
  TaskReceivedEvent,
  TaskRejectedEvent,
  TaskRetriedEvent,
  TaskSentEvent,
  TaskStartedEvent,
} from '../celery/index.ts'
import { type Attempt, Attempts } from './attempts.ts'
import type { FleetChange } from './contract.ts'
import type { Interned } from './interned.ts'
import type { RunningTasks } from './running.ts'
import { type TaskChange, taskChange, type TaskRecord, UNKNOWN } from './task-record.ts'
import type { InspectionRounds } from './unseen-starts.ts'
import { isTrusted, waitBefore, waitUntil } from './wait-clocks.ts'
import type { WorkerLife } from './worker-life.ts'

/** What the runs of tasks ask of, and tell to, the rest of the fleet. */
export interface RunSurroundings {
  readonly rounds: InspectionRounds
  /** A task was sent to a queue and has not started; it waits since `waitingSinceMs`. */
  startedWaiting(task: TaskRecord): void
  /** It waits no more. `lost` when it was merely forgotten. */
  stoppedWaiting(task: TaskRecord, how: 'started' | 'ended' | 'lost'): void
  tell(change: FleetChange): void
}

/**
 * What each event of a task means for the run it belongs to: where the task stands now, and how long that run has waited. A wait is
 * told at most once a run, on the queue to which the run was published, and only when both its publication and its start are known,
 * in whatever order they were heard. `Attempts` says what is derived and what cannot be known; besides, of two publications of one
 * number that wait at the same time (somebody used an id twice) neither has a wait.
 */
export class TaskRuns {
  readonly #names: Interned
  readonly #running: RunningTasks
  readonly #around: RunSurroundings

  constructor(names: Interned, running: RunningTasks, around: RunSurroundings) {
    this.#names = names
    this.#running = running
    this.#around = around
  }

  /** It was published, to the queue of that name ('': not said). True when that was all that an ended task still lacked. */
  sent(task: TaskRecord, event: TaskSentEvent, queue: string, atMs: number): boolean {
    const { retries } = event
    const etaMs = event.eta === null ? Number.NaN : etaOf(event.eta)
    const sentMs = event.timestamp * 1000
    const readyMs = etaMs > sentMs ? etaMs : sentMs
    const sinceMs = etaMs > atMs ? etaMs : atMs
    const { attempts } = task
    const attempt: Attempt | undefined = attempts === undefined ? task : attempts.of(retries)
    // Of a run so old that it was forgotten, or a copy of what was heard before.
    if (attempt === undefined || readyMs === attempt.readyMs) return false
    if (isPublished(attempt)) {
      // Sent again under the same id and number: its next receipt is no redelivery.
      if (retries === task.receivedRetries) task.receivedRetries = -1
      if (task.stage === 'done') {
        beginAnew(task)
        return this.sent(task, event, queue, atMs)
      }
      attempt.told = true
      if (task.stage === 'waiting' && !isStanding(task) && retries >= (attempts?.newest ?? 0))
        this.#waits(task, sinceMs)
      return false
    }
    attempt.readyMs = readyMs
    if (attempts !== undefined) {
      attempt.queue = queue
      attempt.waitingSinceMs = sinceMs
    }
    if (!attempt.told && attempt.startedMs === attempt.startedMs) {
      attempt.told = true
      this.#around.tell({
        kind: 'wait',
        task: task.name,
        queue: attempt.queue === '' ? UNKNOWN : attempt.queue,
        worker: attempt.worker,
        waitSeconds: waitBefore(attempt.startedMs, readyMs, sentMs, atMs),
      })
    }
    if (attempts !== undefined) {
      if (retries < attempts.newest) return false
      if (retries > attempts.newest) goOn(task, attempts, retries)
    }
    if (task.stage === 'waiting') this.#waits(task, sinceMs)
    return task.stage === 'done' && attempts === undefined
  }

  /** A worker has taken it. `again`: the broker delivered it again. */
  received(
    task: TaskRecord,
    { retries, hostname, pid }: TaskReceivedEvent,
    by: WorkerLife | undefined,
    again: boolean,
  ): void {
    const worker = by === undefined ? this.#names.of(hostname) : by.worker
    // A start that was heard although nobody was seen to receive it: the receipt is late, and of that run.
    let late = false
    if (task.attempts === undefined && retries === 0 && !again)
      late = task.stage === 'running' && task.receivedRound === 0
    else {
      const attempts = attemptsOf(task)
      attempts.received(retries, worker, pid)
      if (retries < attempts.newest) return
      if (retries > attempts.newest) this.#goOnUnpublished(task, attempts, retries)
    }
    task.worker = worker
    task.receivedRound = this.#around.rounds.now
    if (!late) task.stage = 'waiting'
    // Delivered again after its worker vanished: it is no orphan any more.
    if (task.run?.isLost === true) this.#running.end(task)
  }

  /** It began to run. Returns what is to be told, with its wait when that is known. */
  started(task: TaskRecord, event: TaskStartedEvent, by: WorkerLife | undefined, atMs: number): TaskChange {
    const hostname = by === undefined ? this.#names.of(event.hostname) : by.worker
    const stampMs = event.timestamp * 1000
    const trusted = isTrusted(by?.clock, atMs - stampMs)
    const change = taskChange('started', hostname)
    task.timedOut = false
    const { attempts } = task
    if (task.worker === '') task.worker = hostname
    const number = attempts === undefined ? 0 : attempts.started(hostname, event.pid)
    const attempt: Attempt | undefined =
      attempts === undefined ? task : number === undefined ? undefined : attempts.of(number)
    if (attempt !== undefined && !attempt.told) {
      if (isPublished(attempt)) {
        attempt.told = true
        const theirMs = trusted ? stampMs : Number.NaN
        change.waitSeconds = waitUntil(attempt.readyMs, attempt.waitingSinceMs, theirMs, atMs)
      } else if (attempt.startedMs !== attempt.startedMs) {
        attempt.startedMs = trusted ? stampMs : atMs
        attempt.worker = hostname
      }
    }
    if (attempts !== undefined) {
      if (attempt !== undefined && attempt.queue !== '') change.queue = attempt.queue
      if (number === undefined ? task.worker !== hostname : number !== attempts.newest) return change
      if (attempts.running < attempts.newest) this.#running.end(task)
      attempts.running = attempts.newest
    }
    // A start that was overtaken by the end of its run does not begin another.
    if (task.stage !== 'done') {
      task.stage = 'running'
      if (by !== undefined) this.#running.begin(task, by, trusted && stampMs < atMs ? stampMs : atMs, atMs)
    }
    this.#around.stoppedWaiting(task, 'started')
    return change
  }

  /** A run of it has failed and is followed by another. Returns what is to be told. */
  retried(task: TaskRecord, { hostname, pid }: TaskRetriedEvent): TaskChange {
    const change = taskChange('retried', hostname)
    const attempts = attemptsOf(task)
    const { newest, running } = attempts
    const isRunningThere = task.run?.worker === hostname
    const number = attempts.left(hostname, pid) ?? (newest === 0 || isRunningThere ? newest : undefined)
    const queue = number === undefined ? '' : (attempts.find(number)?.queue ?? '')
    if (queue !== '') change.queue = queue
    if (isRunningThere && (number === undefined || number >= running)) this.#running.end(task)
    if (number === undefined || number !== newest || task.stage === 'done') return change
    this.#running.end(task)
    if (newest === -1) task.stage = 'waiting'
    else this.#goOnUnpublished(task, attempts, newest + 1)
    return change
  }

  /** The task goes back to the broker and will be delivered again, without being published again. */
  putBack(task: TaskRecord, { hostname, pid }: TaskRejectedEvent | TaskCancelledEvent): void {
    const { attempts } = task
    const number = attempts === undefined ? 0 : attempts.left(hostname, pid)
    const attempt: Attempt | undefined =
      attempts === undefined ? task : attempts.find(number ?? attempts.newest)
    // Its start was not heard: the next one is not the first.
    if (attempt !== undefined && attempt.startedMs !== attempt.startedMs) attempt.told = true
    this.#running.end(task)
    task.stage = 'waiting'
    this.#around.stoppedWaiting(task, 'started')
  }

  /** A later run is known of, and its publication is not. */
  #goOnUnpublished(task: TaskRecord, attempts: Attempts, retries: number): void {
    this.#around.stoppedWaiting(task, 'started')
    goOn(task, attempts, retries)
    task.waitingSinceMs = Number.NaN
  }

  #waits(task: TaskRecord, sinceMs: number): void {
    task.waitingSinceMs = sinceMs
    this.#around.startedWaiting(task)
  }
}

/** The number of the newest run that is known of. */
export const newestOf = ({ attempts }: TaskRecord): number => attempts?.newest ?? 0

const isPublished = ({ readyMs }: Attempt): boolean => readyMs === readyMs

const isStanding = (task: TaskRecord): boolean => task.line !== undefined || task.heapIndex !== -1

function goOn(task: TaskRecord, attempts: Attempts, retries: number): void {
  attempts.newest = retries
  task.stage = 'waiting'
  task.worker = ''
  task.receivedRound = 0
}

/** It is over, and its id is used again. */
function beginAnew(task: TaskRecord): void {
  task.attempts = undefined
  task.readyMs = Number.NaN
  task.startedMs = Number.NaN
  task.told = false
  task.stage = 'waiting'
  task.worker = ''
  task.receivedRound = 0
}

/** The runs of a task, from here on each kept for itself; to be called before anything of a second run is noted. */
export function attemptsOf(task: TaskRecord): Attempts {
  if (task.attempts !== undefined) return task.attempts
  const attempts = new Attempts()
  task.attempts = attempts
  const { stage, worker, told, readyMs, startedMs, waitingSinceMs } = task
  const isRunning = stage === 'running'
  const wasReceived = task.receivedRound > 0
  const first = { readyMs, startedMs, waitingSinceMs, worker, told }
  if (!isPublished(task) && !wasReceived && !isRunning && startedMs !== startedMs) return attempts
  Object.assign(attempts.of(0) ?? {}, first, { queue: isPublished(task) ? task.queue : '' })
  attempts.newest = 0
  attempts.running = 0
  if (stage === 'done' || !(wasReceived || isRunning)) return attempts
  attempts.received(0, worker, undefined)
  if (isRunning) attempts.started(worker, undefined)
  return attempts
}

/** The ETA of a `task-sent` in epoch ms, NaN when it cannot be read. Celery writes an offset; a time without one is UTC, as its `enable_utc` default has it. */
function etaOf(eta: string): number {
  const hasZone = /(?:Z|[+-]\d\d:?\d\d)$/.test(eta)
  return Date.parse(hasZone ? eta : `${eta}Z`)
}
