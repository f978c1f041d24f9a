import { MINUTE, SECOND } from '../base/index.ts'
import {
  exceptionClass,
  type TaskEvent,
  type TaskReceivedEvent,
  type TaskSentEvent,
} from '../celery/index.ts'
import type { OrphanView, RedeliveriesView } from './contract.ts'
import { AbandonedTasks } from './abandoned.ts'
import { BYTES } from './budget.ts'
import { Deadlines } from './deadlines.ts'
import { HeldChanges } from './holding.ts'
import { Interned } from './interned.ts'
import type { FleetSettings } from './options.ts'
import { RecentIds } from './recent-ids.ts'
import { Redeliveries } from './redeliveries.ts'
import { namesOf, RunningTasks } from './running.ts'
import { Runtimes } from './runtimes.ts'
import { type TaskChange, taskChange, TaskRecord, UNKNOWN } from './task-record.ts'
import { attemptsOf, newestOf, type RunSurroundings, TaskRuns } from './task-runs.ts'
import type { WorkerLife } from './worker-life.ts'

/** What the table of tasks asks of, and tells to, the rest of the fleet. */
export interface TaskSurroundings extends RunSurroundings {
  /** The one queue that a worker consumes, when it consumes exactly one; '' otherwise. */
  onlyQueueOf(worker: string): string
  /** The process behind the name of a worker that is there. */
  presentLife(worker: string): WorkerLife | undefined
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
 * waits are told as `TaskRuns` says; memory is bounded.
 *
 * A record lives from the first event of its uuid to its end, and `lingerMs` longer when something of it may still come (a late
 * `task-sent`, or a second end, as Celery sends for a terminated task).
 */
export class TaskTable {
  readonly #settings: FleetSettings
  readonly #around: TaskSurroundings
  readonly #records = new Map<string, TaskRecord>()
  readonly #names = new Interned(MAX_INTERNED)
  /** Of the names under which tasks were received: these send events. */
  readonly #runtimes = new Runtimes(MAX_INTERNED)
  readonly #adopted = new Map<string, { readonly task: TaskRecord; readonly namedAtMs: number }>()
  readonly #held: HeldChanges
  readonly #running = new RunningTasks()
  readonly #taskRuns: TaskRuns
  readonly #redeliveries = new Redeliveries()
  /** Ended records, and those whose end was proven and not seen, each in order of their deadline. */
  readonly #endings = new Deadlines<TaskRecord>()
  readonly #unseenEndings = new Deadlines<TaskRecord>()
  /** Tasks that were forgotten as they succeeded. */
  readonly #succeeded = new RecentIds(RECENT_MS)
  readonly #abandoned: AbandonedTasks
  #evicted = 0
  /** Of the records, by `BYTES`. */
  #recordBytes = 0
  #maxRecordBytes: number
  #sent = 0
  #firstEndMs = Number.NaN
  #runs = 0

  constructor(settings: FleetSettings, around: TaskSurroundings) {
    this.#settings = settings
    this.#around = around
    this.#held = new HeldChanges(settings.holdMs, change => around.tell(change))
    this.#abandoned = new AbandonedTasks(around, settings.forgetTaskMs)
    this.#maxRecordBytes = settings.maxBytes
    this.#taskRuns = new TaskRuns(this.#names, this.#running, around)
  }

  get size(): number {
    return this.#records.size
  }

  /** All that is kept of tasks, estimated. */
  get bytes(): number {
    return this.#recordBytes + this.#running.size * BYTES.run + this.#succeeded.size * BYTES.id
  }

  /** Leaves so much for tasks. */
  keepWithin(bytes: number): void {
    this.#maxRecordBytes = bytes
    while (this.bytes > bytes && this.#records.size > 0) this.#makeRoom()
  }

  /** Unfinished tasks forgotten because the table was full, or nobody had held them for long. */
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
    this.#take(task, event, by, atMs)
    if (task.attempts !== undefined && !task.attemptsCounted) this.#countAttempts(task)
  }

  #countAttempts(task: TaskRecord): void {
    task.attemptsCounted = true
    if (this.#records.get(task.uuid) === task) this.#recordBytes += BYTES.attempts
  }

  #take(task: TaskRecord, event: TaskEvent, by: WorkerLife | undefined, atMs: number): void {
    // One copy of each worker's name for all its events.
    const worker = by === undefined ? event.hostname : by.worker
    switch (event.type) {
      case 'task-sent':
        return this.#sentTo(task, event, atMs)
      case 'task-received': {
        const again = this.#received(task, event, by)
        this.#tell(task, taskChange('received', worker), atMs)
        if (again) this.#held.tell(task, { kind: 'redelivered', task: UNKNOWN, queue: UNKNOWN }, false, atMs)
        return
      }
      case 'task-started':
        this.#runs++
        return this.#tell(task, this.#taskRuns.started(task, event, by, atMs), atMs)
      case 'task-succeeded': {
        const change = taskChange('succeeded', worker)
        if (event.runtime !== null && event.runtime >= 0) {
          change.runtimeSeconds = event.runtime
          this.#runtimes.succeeded(task.name, event.runtime * 1000)
        }
        this.#tell(task, change, atMs)
        return this.#end(task, event, atMs)
      }
      case 'task-failed': {
        const change = taskChange('failed', worker)
        change.exception = this.#names.of(exceptionClass(event.exception, event.traceback))
        if (isSecondTimeout(task, change)) return
        this.#tell(task, change, atMs)
        return this.#end(task, event, atMs)
      }
      case 'task-retried':
        return this.#tell(task, this.#taskRuns.retried(task, event), atMs)
      case 'task-rejected':
        this.#tell(task, taskChange('rejected', worker), atMs)
        return event.requeue ? this.#taskRuns.putBack(task, event) : this.#end(task, event, atMs)
      case 'task-revoked':
        this.#tell(task, taskChange('revoked', worker), atMs)
        return this.#end(task, event, atMs)
      case 'task-cancelled':
        return this.#taskRuns.putBack(task, event)
    }
  }

  /** Lets a second pass: also looks for what nobody holds any more. */
  sweep(nowMs: number): void {
    this.#abandoned.sweep(this.#records, nowMs, task => {
      this.#evicted++
      this.#forget(task)
    })
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
    return this.#runtimes.isReceived(name)
  }

  /**
   * The longest that a run of the tasks which a process runs has ever taken, ms; NaN when that is not known of all of them, or it
   * runs none.
   */
  longestRunMs(by: WorkerLife): number {
    let longestMs = Number.NaN
    for (const { task } of by.runs) {
      const ms = this.#runtimes.longestMs(task.name)
      if (Number.isNaN(ms)) return Number.NaN
      longestMs = Number.isNaN(longestMs) ? ms : Math.max(longestMs, ms)
    }
    return longestMs
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
    // A run that has published the next one, and goes on.
    if (task.attempts !== undefined && task.worker !== by.worker) return
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

  #sentTo(task: TaskRecord, event: TaskSentEvent, atMs: number): void {
    this.#sent++
    this.#held.sentSeen()
    const queue = this.#names.of(event.queue ?? event.routing_key ?? '')
    task.name = this.#names.of(event.name)
    task.sentNamed = true
    // Before its newest queue replaces the one of its first run.
    if (event.retries > 0) attemptsOf(task)
    if (queue !== '' && (task.queue === '' || event.retries >= newestOf(task))) task.queue = queue
    const change = taskChange('sent', event.hostname)
    if (queue !== '') change.queue = queue
    this.#held.tell(task, change, true, atMs)
    const complete = this.#taskRuns.sent(task, event, queue, atMs)
    if (complete && task.held === undefined) this.#forget(task)
  }

  /** True when the broker delivered it again. */
  #received(task: TaskRecord, event: TaskReceivedEvent, by: WorkerLife | undefined): boolean {
    this.#runs++
    const again =
      event.retries >= newestOf(task) && this.#redeliveries.received(task, event.retries, event.name)
    const name = task.name === event.name ? task.name : this.#names.of(event.name)
    this.#runtimes.received(name)
    if (!task.sentNamed) task.name = name
    this.#taskRuns.received(task, event, by, again)
    return again
  }

  #end(task: TaskRecord, { type, hostname, pid }: TaskEvent, atMs: number): void {
    this.#around.stoppedWaiting(task, 'ended')
    this.#running.end(task)
    this.#redeliveries.ended(task)
    task.stage = 'done'
    task.attempts?.ended(hostname, pid)
    const sentMayCome = task.readyMs !== task.readyMs && this.#sendersSpeak(atMs)
    const eventMayCome = sentMayCome || task.attempts !== undefined
    if (type === 'task-succeeded' && !eventMayCome && task.held === undefined) {
      this.#succeeded.add(task.uuid)
      return this.#forget(task)
    }
    task.endings++
    this.#endings.add(task, atMs + this.#settings.lingerMs)
  }

  /** False once it is known that nobody sends `task-sent`. */
  #sendersSpeak(atMs: number): boolean {
    if (this.#firstEndMs !== this.#firstEndMs) this.#firstEndMs = atMs
    return this.#sent > 0 || atMs - this.#firstEndMs < this.#settings.lingerMs
  }

  #endUnseen(task: TaskRecord, atMs: number): void {
    if (task.adopted) return this.#forget(task)
    // What ended was not its newest run.
    if (task.attempts !== undefined && task.stage === 'waiting') return
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
    if (this.#records.size >= this.#settings.maxTasks || this.bytes >= this.#maxRecordBytes) this.#makeRoom()
    const task = new TaskRecord(uuid)
    this.#records.set(uuid, task)
    this.#recordBytes += bytesOf(task)
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
    if (this.#records.get(task.uuid) === task) {
      this.#records.delete(task.uuid)
      this.#recordBytes -= bytesOf(task)
    }
    this.#around.stoppedWaiting(task, 'lost')
  }

  /** Makes room for a hundredth of the table at once, ended tasks first, then the oldest: finding the oldest costs a walk over gaps. */
  #makeRoom(): void {
    let room = Math.ceil(this.#records.size / 100)
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

/** Ids are as long as their sender makes them. */
const bytesOf = ({ uuid, attemptsCounted }: TaskRecord): number =>
  BYTES.task + uuid.length + (attemptsCounted ? BYTES.attempts : 0)

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
