import { SECOND } from '../base/index.ts'
import type { CeleryEvent, WorkerEvent } from '../celery/index.ts'
import type {
  Fleet,
  FleetChange,
  FleetTotals,
  OrphanView,
  QueueView,
  Reading,
  RedeliveriesView,
  RunningView,
  ServerState,
  SourceView,
  WorkerView,
} from './contract.ts'
import { BYTES, taskBytesLeft } from './budget.ts'
import { type Demand, Demands } from './demand.ts'
import { Inspection } from './inspection.ts'
import { type FleetOptions, type FleetSettings, fleetSettings } from './options.ts'
import { Presence } from './presence.ts'
import { QueueTable } from './queues.ts'
import { longestRunning } from './running.ts'
import { SilentConsumers } from './silent-consumers.ts'
import { sourceViews } from './sources.ts'
import { TaskTable } from './tasks.ts'
import { InspectionRounds } from './unseen-starts.ts'
import type { WorkerLife } from './worker-life.ts'
import { isPresent, isUncertain, viewOf, type ViewTime } from './worker-record.ts'
import { WorkerTable } from './workers.ts'

/** Celery waits up to 32 s between attempts to reach its broker (celery-wire.md section 13): until then nobody is proven gone. */
const RETURN_MS = 35 * SECOND

/**
 * Everything known of one broker's fleet, from what it is told and the time it is given. Pure and bounded; what cannot be known is
 * null. `tick` once a second or so lets time pass; changes wait for `drainChanges`, which must be called in step with `apply`.
 */
export function createFleet(options: FleetOptions = {}): Fleet {
  return new FleetState(fleetSettings(options))
}

class FleetState implements Fleet {
  readonly broker: string
  readonly #settings: FleetSettings
  readonly #tasks: TaskTable
  readonly #workers: WorkerTable
  readonly #queues: QueueTable
  readonly #presence: Presence
  readonly #rounds = new InspectionRounds()
  readonly #inspection: Inspection
  readonly #silent = new SilentConsumers()
  #changes: FleetChange[] = []
  /** `unheard` until anything at all came from the broker. */
  #connection: 'unheard' | 'connected' | 'lost' = 'unheard'
  #connectedAtMs = Number.NaN
  /** The newest time seen, for what comes without one. */
  #nowMs = Number.NEGATIVE_INFINITY
  #lastMs = { events: Number.NaN, inspect: Number.NaN, broker: Number.NaN }
  #server: ServerState | null = null
  #serverAtMs = Number.NaN

  constructor(settings: FleetSettings) {
    this.broker = settings.broker
    this.#settings = settings
    const tell = (change: FleetChange): void => {
      this.#changes.push(change)
    }
    this.#workers = new WorkerTable(settings, {
      tell,
      isReceived: name => this.#tasks.isReceived(name),
      longestRunMs: life => this.#tasks.longestRunMs(life),
      lost: life => this.#tasks.orphan(life),
      forgotten: (life, atMs) => this.#tasks.release(life, atMs),
    })
    this.#queues = new QueueTable(settings)
    this.#presence = new Presence(Math.max(settings.workerTimeoutMs, RETURN_MS))
    this.#tasks = new TaskTable(settings, {
      rounds: this.#rounds,
      onlyQueueOf: worker => this.#workers.onlyQueueOf(worker),
      presentLife: worker => this.#workers.presentLife(worker),
      startedWaiting: task => this.#queues.startedWaiting(task, this.#nowMs),
      stoppedWaiting: (task, how) => this.#queues.stoppedWaiting(task, how),
      tell,
    })
    this.#inspection = new Inspection(
      {
        workers: this.#workers,
        tasks: this.#tasks,
        queues: this.#queues,
        presence: this.#presence,
        rounds: this.#rounds,
      },
      settings.inspectIntervalMs,
    )
  }

  get evictions(): Fleet['evictions'] {
    return { tasks: this.#tasks.evicted, workers: this.#workers.refused, queues: this.#queues.refused }
  }

  get bytes(): number {
    return this.#tasks.bytes + this.#otherBytes()
  }

  apply(event: CeleryEvent, receivedAtMs: number): void {
    if (receivedAtMs > this.#nowMs) this.#nowMs = receivedAtMs
    if (this.#connection === 'unheard') this.#connected(receivedAtMs)
    this.#lastMs.events = receivedAtMs
    if (isWorkerEvent(event)) {
      const alive = this.#workers.applyWorkerEvent(event, receivedAtMs)
      if (alive || event.type === 'worker-offline') this.#presence.met(event.hostname)
      return
    }
    // A task-sent names the client, which is no worker.
    if (event.type === 'task-sent') return this.#tasks.apply(event, undefined, this.#nowMs)
    const worker = this.#workers.applyTaskEvent(event, receivedAtMs)
    if (worker?.state === 'up') this.#presence.met(event.hostname)
    this.#tasks.apply(event, worker?.life, this.#nowMs)
  }

  observe(reading: Reading, atMs: number): void {
    if (atMs > this.#nowMs) this.#nowMs = atMs
    if (reading.kind === 'broker-connected') return this.#connected(atMs)
    if (reading.kind === 'broker-lost') return this.#lost()
    if (reading.kind === 'inspect-failed') return
    if (this.#connection === 'unheard') this.#connected(atMs)
    // A question asked before the loss may be answered after it: too late to say anything.
    if (this.#connection === 'lost') return
    if (reading.kind === 'inspect') {
      if (reading.replies.size > 0) this.#lastMs.inspect = atMs
      return this.#inspection.answered(reading, atMs)
    }
    // Who may not read queues still learns that the server answers; that does not make what rests on their lengths known.
    if (reading.kind === 'queues' || this.#queues.names().length === 0) this.#lastMs.broker = atMs
    if (reading.kind === 'server') {
      this.#silent.server(reading.server)
      this.#server = reading.server
      this.#serverAtMs = atMs
      return
    }
    if (!this.#workers.ever) this.#silent.queues(reading.queues, atMs)
    this.#queues.observe(reading.queues, id => this.#tasks.sinceOf(id), this.#rounds.now, atMs)
    this.#queues.forgetUnseenStarts(this.#heldNothingSinceMs(), worker => this.#workers.isPresent(worker))
  }

  tick(nowMs: number): void {
    if (nowMs > this.#nowMs) this.#nowMs = nowMs
    this.#tasks.tick(nowMs)
    this.#queues.tick(nowMs)
    this.#workers.tick(nowMs)
    this.#presence.tick(nowMs)
    // While nothing can be heard nobody is known to be gone.
    if (this.#connection === 'connected') this.#tasks.sweep(nowMs)
    this.#tasks.keepWithin(taskBytesLeft(this.#settings.maxBytes, this.#otherBytes()))
  }

  drainChanges(): readonly FleetChange[] {
    const changes = this.#changes
    this.#changes = []
    return changes
  }

  workers(nowMs: number): readonly WorkerView[] {
    const time = this.#viewTime(nowMs)
    return Array.from(this.#workers.all(), worker => viewOf(worker, time))
  }

  queues(nowMs: number): readonly QueueView[] {
    const workers = this.#workerCount()
    const connected = this.#connection === 'connected'
    const present = [...this.#workers.all()].filter(isPresent)
    // Without task events from those who consume a queue, no start of its tasks is seen.
    const mute = present.filter(worker => worker.life.silentRises >= 2)
    const demands = workers === null ? undefined : new Demands(present, this.#viewTime(nowMs))
    return this.#queues.views(nowMs, {
      connected,
      startsAreSeen: queue => !mute.some(({ life }) => life.queues === null || life.queues.includes(queue)),
      demand: queue => demands?.of(queue) ?? UNKNOWN_DEMAND,
    })
  }

  totals(nowMs: number): FleetTotals {
    const workers = this.#workerCount()
    if (workers === null)
      return { workers, activeTasks: null, scheduledTasks: null, reservedTasks: null, poolSlots: null }
    const present = this.workers(nowMs).filter(worker => worker.state === 'up' || worker.state === 'suspect')
    const sum = (of: (worker: WorkerView) => number | null): number | null => {
      let total = 0
      for (const worker of present) {
        const value = of(worker)
        if (value === null) return null
        total += value
      }
      return total
    }
    return {
      workers,
      activeTasks: sum(worker => worker.active),
      scheduledTasks: sum(worker => worker.scheduled),
      reservedTasks: sum(worker => worker.reserved),
      poolSlots: sum(worker => worker.concurrency),
    }
  }

  sources(nowMs: number): readonly SourceView[] {
    const facts = {
      connected: this.#connection === 'connected',
      connectedAtMs: this.#connectedAtMs,
      lastMs: this.#lastMs,
      workers: this.#workers.all(),
      workerCount: this.#workerCount(),
      seen: this.#tasks.seen,
      server: this.#server,
    }
    return sourceViews(facts, this.#settings, nowMs)
  }

  server(nowMs: number): ServerState | null {
    const fresh =
      this.#connection === 'connected' && nowMs - this.#serverAtMs <= 3 * this.#settings.collectIntervalMs
    return fresh ? this.#server : null
  }

  running(nowMs: number): readonly RunningView[] {
    return longestRunning(this.#runners(nowMs), nowMs)
  }

  redeliveries(): readonly RedeliveriesView[] {
    return this.#tasks.redeliveries()
  }

  orphans(): readonly OrphanView[] {
    return this.#tasks.orphans()
  }

  knownQueues(): readonly string[] {
    return this.#queues.names()
  }

  knowQueues(queues: Iterable<string>): void {
    for (const queue of queues) this.#queues.know(queue, this.#nowMs)
  }

  #connected(atMs: number): void {
    this.#connection = 'connected'
    this.#connectedAtMs = atMs
    this.#workers.brokerConnected(atMs)
    this.#presence.brokerConnected(atMs)
  }

  #lost(): void {
    if (this.#connection === 'connected') {
      this.#presence.brokerLost([...this.#workers.all()].filter(isPresent).map(worker => worker.name))
      this.#queues.brokerLost()
    }
    this.#connection = 'lost'
    this.#silent.lost()
    this.#workers.brokerLost()
    this.#server = null
  }

  /** Processes that are there, two under one name included. */
  *#runners(nowMs: number): Iterable<WorkerLife> {
    const time = this.#viewTime(nowMs)
    for (const worker of this.#workers.all()) {
      if (!isPresent(worker) || isUncertain(worker, time)) continue
      yield worker.life
      yield* worker.former
    }
  }

  #viewTime(nowMs: number): ViewTime {
    const { inspectIntervalMs, workerTimeoutMs } = this.#settings
    return {
      nowMs,
      freshMs: Math.max(3 * inspectIntervalMs, workerTimeoutMs),
      listeningSinceMs: this.#workers.listeningSinceMs,
      beatsWithinMs: workerTimeoutMs,
    }
  }

  #workerCount(): number | null {
    // A crowd larger than the table was counted only in part.
    if (this.#nowMs - this.#workers.refusedAtMs < this.#settings.workerTimeoutMs) return null
    let present = 0
    for (const worker of this.#workers.all()) if (isPresent(worker)) present++
    const count = this.#presence.count(present, this.#workers.ever)
    return count === 0 && !this.#workers.ever && this.#silent.possible(this.#nowMs) ? null : count
  }

  #otherBytes(): number {
    return this.#workers.size * BYTES.worker + this.#queues.size * BYTES.queue
  }

  /** The time of the oldest of the newest answers by which every present worker said that it holds no task; NaN when one does, or did not say. */
  #heldNothingSinceMs(): number {
    let sinceMs = Infinity
    for (const worker of this.#workers.all()) {
      if (!isPresent(worker)) continue
      const { reserved, scheduled, reservedAtMs, scheduledAtMs } = worker.life
      if (reserved !== 0 || scheduled !== 0) return Number.NaN
      sinceMs = Math.min(sinceMs, reservedAtMs, scheduledAtMs)
    }
    return sinceMs
  }
}

const UNKNOWN_DEMAND: Demand = {
  consumers: null,
  slots: null,
  freeSlots: null,
  reserved: null,
  running: null,
}

const isWorkerEvent = (event: CeleryEvent): event is WorkerEvent =>
  event.type === 'worker-heartbeat' || event.type === 'worker-online' || event.type === 'worker-offline'
