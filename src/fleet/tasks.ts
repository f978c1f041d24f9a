import { MINUTE, SECOND } from '../base/index.ts'
import {
  exceptionClass,
  type TaskEvent,
  type TaskReceivedEvent,
  type TaskSentEvent,
  type TaskStartedEvent,
} from '../celery/index.ts'
import type { FleetChange, OrphanView, RedeliveriesView } from './contract.ts'
import { Deadlines } from './deadlines.ts'
import { HeldChanges } from './holding.ts'
import { Interned } from './interned.ts'
import type { FleetSettings } from './options.ts'
import { RecentIds } from './recent-ids.ts'
import { Redeliveries } from './redeliveries.ts'
import { namesOf, RunningTasks } from './running.ts'
import { type Publication, type TaskChange, taskChange, TaskRecord, UNKNOWN } from './task-record.ts'
import type { InspectionRounds } from './unseen-starts.ts'
import { CLIENT_DELAY_MS, isAhead, isTrusted } from './wait-clocks.ts'
import type { WorkerLife } from './worker-life.ts'

/** What the table of tasks asks of, and tells to, the rest of the fleet. */
export interface TaskSurroundings {
  readonly rounds: InspectionRounds
  /** The one queue that a worker consumes, when it consumes exactly one; '' otherwise. */
  onlyQueueOf(worker: string): string
  /** A task was sent to a queue and has not started; it waits since `waitingSinceMs`. */
  startedWaiting(task: TaskRecord): void
  /** It waits no more. `lost` when it was merely forgotten. */
  stoppedWaiting(task: TaskRecord, how: 'started' | 'ended' | 'lost'): void
  tell(change: FleetChange): void
}

const MAX_INTERNED = 20_000
/** Tasks known only from the answers of workers. */
const MAX_ADOPTED = 20_000
/** For this long an older answer or reading that still names a task is known to be older than its end. */
const RECENT_MS = 10 * SECOND
/** How long a task whose end was proven and not seen is remembered, so that an end that comes late is still joined to it. */
const UNSEEN_LINGER_MS = MINUTE

/**
 * Joins the events of each task by uuid. Events of one worker come in order; those of a client and a worker do not, so a task may
 * be seen to start, even to end, before it was sent. What is promised: every task event becomes exactly one change of kind `task`;
 * a wait is told at most once a publication and only when the `task-sent` of that very run is known; memory is bounded.
 *
 * A record lives from the first event of its uuid to its end, and `lingerMs` longer when something of it may still come (a late
 * `task-sent`, or a second end, as Celery sends for a terminated task).
 */
export class TaskTable {
  readonly #settings: FleetSettings
  readonly #around: TaskSurroundings
  readonly #records = new Map<string, TaskRecord>()
  readonly #names = new Interned(MAX_INTERNED)
  /** Names under which tasks were received: these send events. */
  readonly #receivedNames = new Set<string>()
  readonly #adopted = new Map<string, { readonly task: TaskRecord; readonly namedAtMs: number }>()
  readonly #held: HeldChanges
  readonly #running = new RunningTasks()
  readonly #redeliveries = new Redeliveries()
  /** Ended records, and those whose end was proven and not seen, each in order of their deadline. */
  readonly #endings = new Deadlines<TaskRecord>()
  readonly #unseenEndings = new Deadlines<TaskRecord>()
  /** Tasks that were forgotten as they succeeded. */
  readonly #succeeded = new RecentIds(RECENT_MS)
  #evicted = 0
  #sent = 0
  #runs = 0

  constructor(settings: FleetSettings, around: TaskSurroundings) {
    this.#settings = settings
    this.#around = around
    this.#held = new HeldChanges(settings.holdMs, change => around.tell(change))
  }

  get size(): number {
    return this.#records.size
  }

  /** Unfinished tasks forgotten because the table was full. */
  get evicted(): number {
    return this.#evicted
  }

  /** Number of `task-sent` seen, and of `task-received` and `task-started`: whether senders send events at all. */
  get seen(): { readonly sent: number; readonly runs: number } {
    return { sent: this.#sent, runs: this.#runs }
  }

  /** `by`: the process that sent it; undefined for a client, or a worker that is not known. */
  apply(event: TaskEvent, by: WorkerLife | undefined, atMs: number): void {
    if (this.#held.due(atMs) || this.#endings.due(atMs) || this.#unseenEndings.due(atMs)) this.tick(atMs)
    const task = this.#records.get(event.uuid) ?? this.#open(event.uuid)
    if (task.adopted) this.#unadopt(task)
    switch (event.type) {
      case 'task-sent':
        return this.#applySent(task, event, atMs)
      case 'task-received': {
        const again = this.#received(task, event)
        this.#tell(task, taskChange('received', event.hostname), atMs)
        if (again) this.#held.tell(task, { kind: 'redelivered', task: UNKNOWN, queue: UNKNOWN }, false, atMs)
        return
      }
      case 'task-started':
        return this.#tell(task, this.#started(task, event, by, atMs), atMs)
      case 'task-succeeded': {
        const change = taskChange('succeeded', event.hostname)
        if (event.runtime !== null && event.runtime >= 0) change.runtimeSeconds = event.runtime
        this.#tell(task, change, atMs)
        return this.#end(task, atMs, 'succeeded')
      }
      case 'task-failed': {
        const change = taskChange('failed', event.hostname)
        change.exception = this.#names.of(exceptionClass(event.exception, event.traceback))
        if (isSecondTimeout(task, change)) return
        this.#tell(task, change, atMs)
        return this.#end(task, atMs, 'failed')
      }
      case 'task-retried':
        this.#tell(task, taskChange('retried', event.hostname), atMs)
        return this.#retried(task, event.hostname)
      case 'task-rejected':
        this.#tell(task, taskChange('rejected', event.hostname), atMs)
        return event.requeue ? this.#putBack(task) : this.#end(task, atMs, 'rejected')
      case 'task-revoked':
        this.#tell(task, taskChange('revoked', event.hostname), atMs)
        return this.#end(task, atMs, 'revoked')
      case 'task-cancelled':
        return this.#putBack(task)
    }
  }

  /** Tells what was held long enough and forgets what ended long enough ago. */
  tick(nowMs: number): void {
    this.#held.tick(nowMs, this.#sent > 0)
    this.#succeeded.tick(nowMs)
    for (const endings of [this.#endings, this.#unseenEndings])
      for (let task = endings.take(nowMs); task !== undefined; task = endings.take(nowMs))
        // A task may have come back to life, and may have ended again since: then a later entry stands for it.
        if (--task.endings === 0 && task.stage === 'done') this.#forget(task)
  }

  /** What an answer of a worker says of one task: brings name and queue of tasks whose `task-sent` nobody saw. Undefined when it is over, or there is no room for it. */
  adopt(uuid: string, name: string, queue: string, atMs: number): TaskRecord | undefined {
    let task = this.#records.get(uuid)
    if (task === undefined) {
      if (this.#adopted.size >= MAX_ADOPTED || this.#succeeded.has(uuid)) return undefined
      task = this.#open(uuid)
      task.adopted = true
    }
    if (task.adopted) this.#adopted.set(uuid, { task, namedAtMs: atMs })
    if (task.name === '') task.name = this.#names.of(name)
    if (task.queue === '' && queue !== '') task.queue = this.#names.of(queue)
    this.#held.named(task)
    return task
  }

  /** Whether any task was ever received under this name. */
  isReceived(name: string): boolean {
    return this.#receivedNames.has(name)
  }

  /** Since when a message of the broker waits, by its id; see `SinceOf`. */
  sinceOf(uuid: string): number {
    const task = this.#records.get(uuid)
    if (task === undefined) return this.#succeeded.has(uuid) ? Infinity : Number.NaN
    return task.stage === 'waiting' ? task.waitingSinceMs : Infinity
  }

  /** An answer of `by` to a question asked at `askedAtMs` lists it as active since `startedMs`; NaN when that is not said. */
  listedActive(task: TaskRecord, by: WorkerLife, startedMs: number, askedAtMs: number): void {
    if (task.stage === 'done') return
    if (!this.#running.listed(task, by, startedMs, askedAtMs, by.speaks)) return
    task.stage = 'running'
    this.#around.stoppedWaiting(task, 'started')
  }

  /** What `by` ran before `askedAtMs` has ended when its answer does not list it: the event of its end was lost, or is on its way. */
  endUnlisted(by: WorkerLife, listed: ReadonlySet<TaskRecord>, askedAtMs: number, atMs: number): void {
    for (const task of this.#running.endUnlisted(by, listed, askedAtMs)) this.#endUnseen(task, atMs)
  }

  /** A process vanished: what it ran is orphaned. */
  orphan(by: WorkerLife): void {
    for (const { task, worker } of this.#running.orphan(by)) {
      this.#held.release(task)
      this.#around.tell({ kind: 'orphaned', id: task.uuid, ...namesOf(task), worker })
    }
  }

  /** A process is forgotten. What it ran and is not orphaned has ended, as after a goodbye; orphans may still be delivered again. */
  release(by: WorkerLife, atMs: number): void {
    for (const task of this.#running.release(by)) this.#endUnseen(task, atMs)
  }

  orphans(): readonly OrphanView[] {
    return this.#running.orphans()
  }

  redeliveries(): readonly RedeliveriesView[] {
    return this.#redeliveries.views()
  }

  /** Forgets tasks that only answers of workers named, and no answer since `beforeMs`: their end was not seen. */
  forgetAdopted(beforeMs: number): void {
    for (const { task, namedAtMs } of this.#adopted.values()) if (namedAtMs < beforeMs) this.#forget(task)
  }

  #applySent(task: TaskRecord, event: TaskSentEvent, atMs: number): void {
    this.#sent++
    this.#held.sentSeen()
    const queue = event.queue ?? event.routing_key ?? ''
    task.name = this.#names.of(event.name)
    task.sentNamed = true
    if (queue !== '') task.queue = this.#names.of(queue)
    this.#held.tell(task, taskChange('sent', event.hostname), true, atMs)

    const etaMs = etaOf(event.eta)
    const sentMs = event.timestamp * 1000
    const readyMs = etaMs > sentMs ? etaMs : sentMs
    const { retries } = event
    if (retries === task.sentRetries && readyMs === task.readyMs) return
    // Sent again under the same id and number: its next receipt is no redelivery.
    if (retries === task.sentRetries) task.receivedRetries = -1
    const run = task.runRetries === -1 ? 0 : task.runRetries
    if (task.stage !== 'waiting' && task.sentRetries < run && retries <= run) {
      const clientIsOff = isAhead(sentMs, atMs) || atMs - sentMs > CLIENT_DELAY_MS
      const waitMs = task.startedMs - (clientIsOff ? Math.max(readyMs, atMs) : readyMs)
      task.sentRetries = retries
      task.readyMs = readyMs
      if (retries === run && waitMs === waitMs) {
        task.startedMs = Number.NaN
        task.waitTold = true
        this.#around.tell({
          kind: 'wait',
          task: task.name,
          queue: task.queue === '' ? UNKNOWN : task.queue,
          worker: task.worker,
          waitSeconds: Math.max(0, waitMs) / 1000,
        })
      }
      // Unless the publication of a later run is still to come, nothing more is.
      if (task.stage === 'done' && retries === run && task.held === undefined) this.#forget(task)
      return
    }
    // A publication older than the run: counted, and that is all.
    const known = Math.max(task.sentRetries, task.runRetries)
    if (task.stage === 'running' ? retries <= known : retries < known) return
    if (task.stage === 'done') {
      task.stage = 'waiting'
      task.runRetries = -1
    }
    if (task.stage === 'waiting') {
      task.startedMs = Number.NaN
      keepUnstarted(task, retries)
    }
    task.waitTold = false
    task.sentRetries = retries
    task.readyMs = readyMs
    task.waitingSinceMs = etaMs > atMs ? etaMs : atMs
    this.#around.startedWaiting(task)
  }

  /** True when the broker delivered it again. */
  #received(task: TaskRecord, event: TaskReceivedEvent): boolean {
    this.#runs++
    const { retries } = event
    const again = retries >= task.runRetries && this.#redeliveries.received(task, retries, event.name)
    const name = this.#names.of(event.name)
    if (this.#receivedNames.size < MAX_INTERNED) this.#receivedNames.add(name)
    if (!task.sentNamed) task.name = name
    if (retries < task.runRetries) return false
    const overtaken = task.stage === 'running' && task.runRetries === -1
    if (retries > task.runRetries && !overtaken) {
      task.startedMs = Number.NaN
      if (task.stage === 'waiting') keepUnstarted(task, retries)
      if (task.sentRetries < retries) this.#dropSent(task)
      if (task.sentRetries === retries) task.waitTold = false
      const before = task.runRetries === -1 ? (task.unstarted?.sentRetries ?? -1) : task.runRetries
      if (before !== -1 && task.stage !== 'done') task.overtakenRuns += retries - before
    }
    task.runRetries = retries
    task.worker = this.#names.of(event.hostname)
    task.receivedRound = this.#around.rounds.now
    if (!overtaken) task.stage = 'waiting'
    // Delivered again after its worker vanished: it is no orphan any more.
    if (task.run?.isLost === true) this.#running.end(task)
    return again
  }

  #started(task: TaskRecord, event: TaskStartedEvent, by: WorkerLife | undefined, atMs: number): TaskChange {
    this.#runs++
    const stampMs = event.timestamp * 1000
    const change = taskChange('started', event.hostname)
    if (task.worker === '') task.worker = this.#names.of(event.hostname)
    task.timedOut = false
    const trusted = isTrusted(by?.clock, atMs - stampMs)
    const theirMs = trusted ? stampMs : Number.NaN
    const { unstarted } = task
    if (isOfOvertakenRun(task, event.hostname)) {
      if (unstarted !== undefined) change.waitSeconds = waitOf(unstarted, theirMs, atMs)
      task.unstarted = undefined
      return change
    }
    // A start that was overtaken by the end of its run does not begin another.
    if (task.stage !== 'done') {
      task.stage = 'running'
      if (by !== undefined) this.#running.begin(task, by, trusted && stampMs < atMs ? stampMs : atMs, atMs)
    }
    if (task.runRetries === -1) task.runRetries = task.sentRetries
    const sentOfThisRun = task.sentRetries !== -1 && task.sentRetries === task.runRetries
    if (sentOfThisRun && !task.waitTold) {
      task.waitTold = true
      task.startedMs = Number.NaN
      change.waitSeconds = waitOf(task, theirMs, atMs)
    } else if (unstarted?.sentRetries === task.runRetries) {
      change.waitSeconds = waitOf(unstarted, theirMs, atMs)
      task.unstarted = undefined
    } else if (!task.waitTold) task.startedMs = trusted ? stampMs : atMs
    if (task.sentRetries <= task.runRetries) this.#around.stoppedWaiting(task, 'started')
    return change
  }

  #retried(task: TaskRecord, worker: string): void {
    if (task.run?.worker === worker) this.#running.end(task)
    if (isRetryOfOvertakenRun(task, worker)) {
      task.overtakenRuns--
      return
    }
    this.#running.end(task)
    if (task.runRetries !== -1) task.runRetries++
    task.stage = 'waiting'
    task.startedMs = Number.NaN
    // The next publication may have overtaken this event; anything older belongs to the run that is over.
    if (task.runRetries === -1 ? task.waitTold : task.sentRetries < task.runRetries) this.#dropSent(task)
  }

  /** The task goes back to the broker and will be delivered again, without being published again. */
  #putBack(task: TaskRecord): void {
    this.#running.end(task)
    task.stage = 'waiting'
    task.startedMs = Number.NaN
    task.waitTold = true
    this.#around.stoppedWaiting(task, 'started')
  }

  #dropSent(task: TaskRecord): void {
    this.#around.stoppedWaiting(task, 'started')
    task.sentRetries = -1
    task.readyMs = Number.NaN
    task.waitingSinceMs = Number.NaN
    task.waitTold = false
  }

  #end(task: TaskRecord, atMs: number, how: 'succeeded' | 'failed' | 'rejected' | 'revoked'): void {
    this.#around.stoppedWaiting(task, 'ended')
    this.#running.end(task)
    this.#redeliveries.ended(task)
    task.stage = 'done'
    const sentMayCome = this.#held.sentExpected && task.sentRetries < Math.max(0, task.runRetries)
    const eventMayCome = sentMayCome || task.overtakenRuns > 0 || task.redeliveries > 0
    if (how === 'succeeded' && !eventMayCome && task.held === undefined) {
      this.#succeeded.add(task.uuid)
      return this.#forget(task)
    }
    task.endings++
    this.#endings.add(task, atMs + this.#settings.lingerMs)
  }

  #endUnseen(task: TaskRecord, atMs: number): void {
    if (task.adopted) return this.#forget(task)
    this.#redeliveries.ended(task)
    task.stage = 'done'
    task.endings++
    this.#unseenEndings.add(task, atMs + UNSEEN_LINGER_MS)
  }

  #tell(task: TaskRecord, change: TaskChange, atMs: number): void {
    if (task.queue === '') task.queue = this.#names.of(this.#around.onlyQueueOf(change.worker))
    this.#held.tell(task, change, false, atMs)
  }

  #open(uuid: string): TaskRecord {
    if (this.#records.size >= this.#settings.maxTasks) this.#makeRoom()
    const task = new TaskRecord(uuid)
    this.#records.set(uuid, task)
    return task
  }

  #unadopt(task: TaskRecord): void {
    this.#adopted.delete(task.uuid)
    task.adopted = false
  }

  #forget(task: TaskRecord): void {
    this.#held.release(task)
    this.#running.end(task)
    this.#redeliveries.ended(task)
    this.#adopted.delete(task.uuid)
    // Another record may have taken the uuid since.
    if (this.#records.get(task.uuid) === task) this.#records.delete(task.uuid)
    this.#around.stoppedWaiting(task, 'lost')
  }

  /** Makes room for a hundredth of the table at once, ended tasks first, then the oldest: finding the oldest costs a walk over gaps. */
  #makeRoom(): void {
    let room = Math.ceil(this.#settings.maxTasks / 100)
    for (const endings of [this.#unseenEndings, this.#endings])
      for (let task = endings.take(Infinity); task !== undefined; task = endings.take(Infinity)) {
        task.endings--
        if (task.stage !== 'done') continue
        this.#forget(task)
        if (--room <= 0) return
      }
    for (const task of this.#records.values()) {
      this.#evicted++
      this.#forget(task)
      if (--room <= 0) return
    }
  }
}

/** A later run is heard of while the newest publication's has not started: its start is still to come, and its wait with it. */
function keepUnstarted(task: TaskRecord, retries: number): void {
  const { sentRetries, readyMs, waitingSinceMs } = task
  if (sentRetries !== -1 && retries > sentRetries && !task.waitTold)
    task.unstarted = { sentRetries, readyMs, waitingSinceMs }
}

/** Seconds from a publication to a start: by the clocks of client and worker, or by ours when `theirMs` is NaN or the client is ahead. */
function waitOf(since: Publication, theirMs: number, atMs: number): number {
  const byTheirClocks = theirMs === theirMs && !isAhead(since.readyMs, since.waitingSinceMs)
  return Math.max(0, byTheirClocks ? theirMs - since.readyMs : atMs - since.waitingSinceMs) / 1000
}

/** One worker's events come in order: what comes from another than the newest run's tells of an older run. */
const isOfOvertakenRun = (task: TaskRecord, worker: string): boolean =>
  task.overtakenRuns > 0 && worker !== task.worker

/** Also the same worker may receive the next run before it learns from its pool that the last one is to be tried again. */
const isRetryOfOvertakenRun = (task: TaskRecord, worker: string): boolean =>
  isOfOvertakenRun(task, worker) || (task.overtakenRuns > 0 && task.stage === 'waiting')

/**
 * A pool that kills a task for its hard time limit tells of it, and so does the request itself since Celery 5.7 (`worker/request.py`,
 * `on_timeout`): two events, one failure. True for the second one.
 */
function isSecondTimeout(task: TaskRecord, { exception, worker }: TaskChange): boolean {
  const timedOut = exception === 'TimeLimitExceeded'
  const second = timedOut && task.timedOut && task.stage === 'done' && task.worker === worker
  task.timedOut = timedOut
  return second
}

/** The ETA of a `task-sent` in epoch ms, NaN when it has none. Celery writes an offset; a time without one is UTC, as its `enable_utc` default has it. */
function etaOf(eta: string | null): number {
  if (eta === null) return Number.NaN
  const hasZone = /(?:Z|[+-]\d\d:?\d\d)$/.test(eta)
  return Date.parse(hasZone ? eta : `${eta}Z`)
}
