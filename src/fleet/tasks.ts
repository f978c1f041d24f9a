import {
  exceptionClass,
  type TaskEvent,
  type TaskReceivedEvent,
  type TaskSentEvent,
  type TaskStartedEvent,
} from '../celery/index.ts'
import type { FleetChange } from './contract.ts'
import { Interned } from './interned.ts'
import type { FleetSettings } from './options.ts'
import { type TaskChange, taskChange, TaskRecord, UNKNOWN } from './task-record.ts'

/** What the table of tasks asks of, and tells to, the rest of the fleet. */
export interface TaskSurroundings {
  /** The one queue that a worker consumes, when it consumes exactly one; '' otherwise. */
  onlyQueueOf(worker: string): string
  /** A task was sent to a queue and has not started; `sinceMs` on our clock, in the future when it has an ETA. */
  startedWaiting(task: TaskRecord, sinceMs: number): void
  /** It waits no more. `lost` when it was merely forgotten. */
  stoppedWaiting(task: TaskRecord, how: 'started' | 'ended' | 'lost'): void
  tell(change: FleetChange): void
}

const MAX_INTERNED = 20_000
/** Tasks known only from the answers of workers. */
const MAX_ADOPTED = 20_000

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
  readonly #adopted = new Map<string, { readonly task: TaskRecord; readonly namedAtMs: number }>()
  /** Records with held changes, and ended records, each in order of their deadline; heads move, entries go in batches. */
  readonly #holds = new Deadlines()
  readonly #endings = new Deadlines()
  /** False once events were held in vain and nobody ever sent a `task-sent`: then nothing is worth waiting for. */
  #sentExpected = true
  #evicted = 0
  #sent = 0
  #runs = 0

  constructor(settings: FleetSettings, around: TaskSurroundings) {
    this.#settings = settings
    this.#around = around
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

  apply(event: TaskEvent, atMs: number): void {
    if (this.#holds.due(atMs) || this.#endings.due(atMs)) this.tick(atMs)
    const task = this.#records.get(event.uuid) ?? this.#open(event.uuid)
    if (task.adopted) this.#unadopt(task)
    switch (event.type) {
      case 'task-sent':
        return this.#applySent(task, event, atMs)
      case 'task-received':
        this.#received(task, event)
        return this.#tell(task, taskChange('received', event.hostname), event.hostname, atMs)
      case 'task-started':
        return this.#tell(task, this.#started(task, event), event.hostname, atMs)
      case 'task-succeeded': {
        const change = taskChange('succeeded', event.hostname)
        if (event.runtime !== null && event.runtime >= 0) change.runtimeSeconds = event.runtime
        this.#tell(task, change, event.hostname, atMs)
        return this.#end(task, atMs, 'succeeded')
      }
      case 'task-failed': {
        const change = taskChange('failed', event.hostname)
        change.exception = this.#names.of(exceptionClass(event.exception, event.traceback))
        this.#tell(task, change, event.hostname, atMs)
        return this.#end(task, atMs, 'failed')
      }
      case 'task-retried':
        this.#tell(task, taskChange('retried', event.hostname), event.hostname, atMs)
        return this.#retried(task, event.hostname)
      case 'task-rejected':
        this.#tell(task, taskChange('rejected', event.hostname), event.hostname, atMs)
        return event.requeue ? this.#putBack(task) : this.#end(task, atMs, 'rejected')
      case 'task-revoked':
        this.#tell(task, taskChange('revoked', event.hostname), event.hostname, atMs)
        return this.#end(task, atMs, 'revoked')
      case 'task-cancelled':
        return this.#putBack(task)
    }
  }

  /** Tells what was held long enough and forgets what ended long enough ago. */
  tick(nowMs: number): void {
    for (let task = this.#holds.take(nowMs); task !== undefined; task = this.#holds.take(nowMs)) {
      if (task.held === undefined) continue
      if (this.#sent === 0) this.#sentExpected = false
      task.heldInVain = true
      this.#release(task)
    }
    for (let task = this.#endings.take(nowMs); task !== undefined; task = this.#endings.take(nowMs))
      // A task may have come back to life, and may have ended again since: then a later entry stands for it.
      if (--task.endings === 0 && task.stage === 'done') this.#forget(task)
  }

  /** What an answer of a worker says of one task: brings name and queue of tasks whose `task-sent` nobody saw. */
  adopt(uuid: string, name: string, queue: string, running: boolean, atMs: number): void {
    let task = this.#records.get(uuid)
    if (task === undefined) {
      if (this.#adopted.size >= MAX_ADOPTED) return
      task = this.#open(uuid)
      task.stage = running ? 'running' : 'waiting'
      task.adopted = true
    }
    if (task.adopted) this.#adopted.set(uuid, { task, namedAtMs: atMs })
    if (task.name === '') task.name = this.#names.of(name)
    if (task.queue === '' && queue !== '') task.queue = this.#names.of(queue)
    if (task.held !== undefined && task.queue !== '' && task.name !== '') this.#release(task)
  }

  /** Forgets tasks that only answers of workers named, and no answer since `beforeMs`: their end was not seen. */
  forgetAdopted(beforeMs: number): void {
    for (const { task, namedAtMs } of this.#adopted.values()) if (namedAtMs < beforeMs) this.#forget(task)
  }

  #applySent(task: TaskRecord, event: TaskSentEvent, atMs: number): void {
    this.#sent++
    this.#sentExpected = true
    const queue = event.queue ?? event.routing_key ?? ''
    task.name = this.#names.of(event.name)
    task.sentNamed = true
    if (queue !== '') task.queue = this.#names.of(queue)
    this.#tell(task, taskChange('sent', event.hostname), '', atMs)

    const etaMs = etaOf(event.eta)
    const sentMs = event.timestamp * 1000
    const readyMs = etaMs > sentMs ? etaMs : sentMs
    const { retries } = event
    if (retries === task.sentRetries && readyMs === task.readyMs) return
    const run = task.runRetries === -1 ? 0 : task.runRetries
    if (task.stage !== 'waiting' && task.sentRetries < run && retries <= run) {
      const waitMs = task.startedMs - readyMs
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
    if (task.stage === 'waiting') task.startedMs = Number.NaN
    task.waitTold = false
    task.sentRetries = retries
    task.readyMs = readyMs
    this.#around.startedWaiting(task, etaMs > atMs ? etaMs : atMs)
  }

  #received(task: TaskRecord, event: TaskReceivedEvent): void {
    this.#runs++
    if (!task.sentNamed) task.name = this.#names.of(event.name)
    const { retries } = event
    if (retries < task.runRetries) return
    const overtaken = task.stage === 'running' && task.runRetries === -1
    if (retries > task.runRetries && !overtaken) {
      task.startedMs = Number.NaN
      if (task.sentRetries < retries) this.#dropSent(task)
      if (task.sentRetries === retries) task.waitTold = false
      if (task.runRetries !== -1 && task.stage !== 'done') task.overtakenRuns += retries - task.runRetries
    }
    task.runRetries = retries
    task.worker = this.#names.of(event.hostname)
    if (!overtaken) task.stage = 'waiting'
  }

  #started(task: TaskRecord, event: TaskStartedEvent): TaskChange {
    this.#runs++
    const startedMs = event.timestamp * 1000
    const change = taskChange('started', event.hostname)
    if (task.worker === '') task.worker = this.#names.of(event.hostname)
    if (isOfOvertakenRun(task, event.hostname)) return change
    // A start that was overtaken by the end of its run does not begin another.
    if (task.stage !== 'done') task.stage = 'running'
    if (task.runRetries === -1) task.runRetries = task.sentRetries
    const sentOfThisRun = task.sentRetries !== -1 && task.sentRetries === task.runRetries
    if (sentOfThisRun && !task.waitTold) {
      const waitMs = startedMs - task.readyMs
      task.waitTold = true
      task.startedMs = Number.NaN
      change.waitSeconds = Math.max(0, waitMs) / 1000
    } else if (!task.waitTold) task.startedMs = startedMs
    if (task.sentRetries <= task.runRetries) this.#around.stoppedWaiting(task, 'started')
    return change
  }

  #retried(task: TaskRecord, worker: string): void {
    if (isOfOvertakenRun(task, worker)) {
      task.overtakenRuns--
      return
    }
    if (task.runRetries !== -1) task.runRetries++
    task.stage = 'waiting'
    task.startedMs = Number.NaN
    // The next publication may have overtaken this event; anything older belongs to the run that is over.
    if (task.runRetries === -1 ? task.waitTold : task.sentRetries < task.runRetries) this.#dropSent(task)
  }

  /** The task goes back to the broker and will be delivered again, without being published again. */
  #putBack(task: TaskRecord): void {
    task.stage = 'waiting'
    task.startedMs = Number.NaN
    task.waitTold = true
    this.#around.stoppedWaiting(task, 'started')
  }

  #dropSent(task: TaskRecord): void {
    this.#around.stoppedWaiting(task, 'started')
    task.sentRetries = -1
    task.readyMs = Number.NaN
    task.waitTold = false
  }

  #end(task: TaskRecord, atMs: number, how: 'succeeded' | 'failed' | 'rejected' | 'revoked'): void {
    this.#around.stoppedWaiting(task, 'ended')
    task.stage = 'done'
    const sentMayCome = this.#sentExpected && task.sentRetries < Math.max(0, task.runRetries)
    const eventMayCome = sentMayCome || task.overtakenRuns > 0
    if (how === 'succeeded' && !eventMayCome && task.held === undefined) return this.#forget(task)
    task.endings++
    this.#endings.add(task, atMs + this.#settings.lingerMs)
  }

  /** Tells a change, or holds it while its name or queue may still come. */
  #tell(task: TaskRecord, change: TaskChange, worker: string, atMs: number): void {
    if (task.queue === '' && worker !== '') task.queue = this.#names.of(this.#around.onlyQueueOf(worker))
    if (task.held !== undefined) {
      task.held.push(change)
      if (task.queue !== '' && task.name !== '') this.#release(task)
      return
    }
    const complete = task.queue !== '' && task.name !== ''
    if (complete || task.heldInVain || !this.#sentExpected || change.event === 'sent')
      return this.#pass(task, change)
    task.held = [change]
    this.#holds.add(task, atMs + this.#settings.holdMs)
  }

  #release(task: TaskRecord): void {
    const held = task.held ?? []
    task.held = undefined
    for (const change of held) this.#pass(task, change)
  }

  #pass(task: TaskRecord, change: TaskChange): void {
    if (task.name !== '') change.task = task.name
    if (task.queue !== '') change.queue = task.queue
    this.#around.tell(change)
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
    if (task.held !== undefined) this.#release(task)
    this.#adopted.delete(task.uuid)
    // Another record may have taken the uuid since.
    if (this.#records.get(task.uuid) === task) this.#records.delete(task.uuid)
    this.#around.stoppedWaiting(task, 'lost')
  }

  /** Makes room for a hundredth of the table at once, ended tasks first, then the oldest: finding the oldest costs a walk over gaps. */
  #makeRoom(): void {
    let room = Math.ceil(this.#settings.maxTasks / 100)
    for (let task = this.#endings.take(Infinity); task !== undefined; task = this.#endings.take(Infinity)) {
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

/** One worker's events come in order: what comes from another than the newest run's tells of an older run. */
const isOfOvertakenRun = (task: TaskRecord, worker: string): boolean =>
  task.overtakenRuns > 0 && worker !== task.worker

/** The ETA of a `task-sent` in epoch ms, NaN when it has none. Celery writes an offset; a time without one is UTC, as its `enable_utc` default has it. */
function etaOf(eta: string | null): number {
  if (eta === null) return Number.NaN
  const hasZone = /(?:Z|[+-]\d\d:?\d\d)$/.test(eta)
  return Date.parse(hasZone ? eta : `${eta}Z`)
}

/** Tasks in the order of their deadlines, which only ever grow. */
class Deadlines {
  #tasks: TaskRecord[] = []
  #times: number[] = []
  #head = 0

  due(nowMs: number): boolean {
    return this.#head < this.#tasks.length && this.#times[this.#head]! <= nowMs
  }

  add(task: TaskRecord, atMs: number): void {
    this.#tasks.push(task)
    this.#times.push(atMs)
  }

  take(nowMs: number): TaskRecord | undefined {
    if (!this.due(nowMs)) return undefined
    const task = this.#tasks[this.#head++]
    if (this.#head > 1024 && this.#head * 2 > this.#tasks.length) {
      this.#tasks = this.#tasks.slice(this.#head)
      this.#times = this.#times.slice(this.#head)
      this.#head = 0
    }
    return task
  }
}
