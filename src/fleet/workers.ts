import type { TaskEvent, WorkerEvent } from '../celery/index.ts'
import type { FleetChange, InspectMethod, WorkerState } from './contract.ts'
import type { FleetSettings } from './options.ts'
import { readActiveQueues, readRequests, readStats, type RequestsReply } from './replies.ts'
import { forgetProcess, isPresent, makeWorker, type WorkerRecord } from './worker-record.ts'

/**
 * The workers of a fleet. A worker's state follows from when *we* last heard it, never from its own clock:
 *
 * - up: heard. From anything: any event or answer but what a goodbye outdates.
 * - suspect: up, and silent for more than two of its heartbeats (two rounds of questions when it never beat).
 * - vanished: silent for the time-out, without goodbye. Anything heard brings it back up. A solo pool that started a task and has
 *   not ended it cannot speak: it stays suspect until it would be forgotten.
 * - stopped: said goodbye. Only what is younger than the goodbye brings it back: a later `worker-online` or heartbeat, another
 *   process, an answer to a question asked afterwards. Tasks that end during a warm shutdown do not.
 *
 * While the broker is lost nobody changes state, and its return counts as the last sign of everyone: silence then proves nothing.
 * After `forgetWorkerMs` a worker that vanished or stopped is forgotten.
 */
export class WorkerTable {
  readonly #settings: FleetSettings
  readonly #tell: (change: FleetChange) => void
  readonly #workers = new Map<string, WorkerRecord>()
  #listeningSinceMs = Number.NEGATIVE_INFINITY
  #refused = 0
  #refusedAtMs = Number.NEGATIVE_INFINITY
  #ever = false

  constructor(settings: FleetSettings, tell: (change: FleetChange) => void) {
    this.#settings = settings
    this.#tell = tell
  }

  /** Workers not taken in because the table was full of present ones, or forgotten to make room. */
  get refused(): number {
    return this.#refused
  }

  /** When a worker was last refused: until a time-out later, nobody can say how many there are. */
  get refusedAtMs(): number {
    return this.#refusedAtMs
  }

  /** Whether any worker was ever known. */
  get ever(): boolean {
    return this.#ever
  }

  /** Since when silence means something; NaN while the broker is lost. */
  get listeningSinceMs(): number {
    return this.#listeningSinceMs
  }

  all(): Iterable<WorkerRecord> {
    return this.#workers.values()
  }

  isPresent(name: string): boolean {
    const worker = this.#workers.get(name)
    return worker !== undefined && isPresent(worker)
  }

  onlyQueueOf(name: string): string {
    return this.#workers.get(name)?.onlyQueue ?? ''
  }

  /** The queue behind a routing key, as the worker itself names it; else the routing key. */
  queueOf(name: string, routingKey: string): string {
    return this.#workers.get(name)?.routes.get(routingKey) ?? routingKey
  }

  brokerLost(): void {
    this.#listeningSinceMs = Number.NaN
  }

  brokerConnected(atMs: number): void {
    this.#listeningSinceMs = atMs
    for (const worker of this.#workers.values()) {
      // Task events of the outage were lost while `processed` went on.
      worker.processedBase = -1
      worker.silentRises = 0
    }
  }

  /** True when the event was a sign of life. */
  applyWorkerEvent(event: WorkerEvent, atMs: number): boolean {
    const stampMs = event.timestamp * 1000
    if (event.type === 'worker-offline') return this.#goodbye(event, stampMs, atMs)
    const worker = this.#find(event.hostname, atMs)
    if (worker === undefined || stampMs <= worker.goodbyeStampMs) return false
    const restarted = event.pid !== undefined && worker.pid !== null && event.pid !== worker.pid
    if (stampMs < worker.stampMs) {
      // Overtaken by a younger event: of an older process, or an older word of this one.
      if (!restarted) this.#heard(worker, atMs)
      return !restarted
    }
    if (restarted) forgetProcess(worker)
    worker.pid = event.pid ?? worker.pid
    worker.stampMs = stampMs
    worker.version = event.sw_ver ?? worker.version
    const asked = event.active === undefined && event.processed === undefined
    if (!asked) {
      worker.delayMs = atMs - stampMs
      worker.heartbeatMs = event.freq * 1000
    }
    if (event.active !== undefined) {
      worker.active = event.active
      worker.activeAtMs = atMs
    }
    if (event.processed !== undefined) noteProcessed(worker, event.processed)
    this.#heard(worker, atMs)
    return true
  }

  applyTaskEvent(event: TaskEvent, atMs: number): boolean {
    const worker = this.#find(event.hostname, atMs)
    if (worker === undefined) return false
    const stampMs = event.timestamp * 1000
    if (worker.state === 'stopped') {
      const another = event.pid !== undefined && worker.pid !== null && event.pid !== worker.pid
      if (!another || stampMs <= worker.goodbyeStampMs) return false
    }
    if (stampMs > worker.stampMs) worker.stampMs = stampMs
    worker.processedBase = -1
    worker.silentRises = 0
    worker.running = event.type === 'task-started'
    this.#heard(worker, atMs)
    return true
  }

  /** One worker's answer, given somewhere between `askedAtMs` and `atMs`. Tells what it holds, for `active`, `reserved` and `scheduled`. */
  applyReply(
    name: string,
    method: InspectMethod,
    value: unknown,
    askedAtMs: number,
    atMs: number,
  ): RequestsReply | undefined {
    const worker = this.#find(name, atMs)
    if (worker === undefined) return undefined
    const outdated = worker.state === 'stopped' && askedAtMs <= worker.goodbyeAtMs
    if (outdated) return undefined
    worker.answeredAtMs = atMs
    this.#heard(worker, atMs)
    if (method === 'ping') return undefined
    if (method === 'stats') {
      const stats = readStats(value)
      if (stats === undefined) return undefined
      worker.pid ??= stats.pid ?? null
      worker.concurrency = stats.concurrency ?? worker.concurrency
      worker.pool = stats.pool ?? worker.pool
      return undefined
    }
    if (method === 'active_queues') {
      const queues = readActiveQueues(value)
      if (queues === undefined) return undefined
      worker.queues = [...new Set(queues.map(queue => queue.name))].sort()
      worker.routes = new Map(queues.map(queue => [queue.routingKey, queue.name]))
      worker.onlyQueue = worker.queues.length === 1 ? (worker.queues[0] ?? '') : ''
      return undefined
    }
    const held = readRequests(value)
    if (held === undefined) return undefined
    if (method === 'active') {
      if (askedAtMs >= worker.activeAtMs) {
        worker.active = held.count
        worker.activeAtMs = askedAtMs
      }
    } else {
      worker[method] = held.count
      worker[`${method}AtMs`] = askedAtMs
    }
    return held
  }

  tick(nowMs: number): void {
    if (Number.isNaN(this.#listeningSinceMs)) return
    for (const worker of this.#workers.values()) {
      if (isPresent(worker)) {
        const silentMs = nowMs - Math.max(worker.lastHeardMs, this.#listeningSinceMs)
        const { suspectMs, vanishedMs } = this.#patience(worker)
        if (silentMs >= vanishedMs) this.#become(worker, 'vanished', nowMs)
        else if (silentMs > suspectMs && worker.state === 'up') this.#become(worker, 'suspect', nowMs)
      } else if (nowMs - worker.sinceMs >= this.#settings.forgetWorkerMs) this.#workers.delete(worker.name)
    }
  }

  #patience(worker: WorkerRecord): { suspectMs: number; vanishedMs: number } {
    const { workerTimeoutMs, inspectIntervalMs, forgetWorkerMs } = this.#settings
    const beats = !Number.isNaN(worker.heartbeatMs)
    const suspectMs = 2 * (beats ? worker.heartbeatMs : inspectIntervalMs)
    if (worker.pool === 'solo' && worker.running)
      return { suspectMs, vanishedMs: Math.max(forgetWorkerMs, workerTimeoutMs) }
    // Someone who beats every minute is not gone after half of one.
    const vanishedMs = Math.max(workerTimeoutMs, beats ? 2 * worker.heartbeatMs : 3 * inspectIntervalMs)
    return { suspectMs, vanishedMs }
  }

  #goodbye(event: WorkerEvent, stampMs: number, atMs: number): boolean {
    const worker = this.#find(event.hostname, atMs, 'stopped')
    if (worker === undefined) return false
    const another = event.pid !== undefined && worker.pid !== null && event.pid !== worker.pid
    // The goodbye of a process that was replaced meanwhile, or older than what was heard since.
    if (stampMs < worker.stampMs) return false
    if (another && isPresent(worker)) return false
    const lateMs = atMs - stampMs - worker.delayMs
    if (lateMs > this.#settings.lateGoodbyeMs) {
      // Sent on reconnecting, for a connection lost long ago: who sends it is there. Silence will tell if not.
      this.#heard(worker, atMs)
      return true
    }
    worker.stampMs = stampMs
    worker.goodbyeStampMs = stampMs
    worker.goodbyeAtMs = atMs
    worker.lastHeardMs = atMs
    worker.running = false
    if (worker.state !== 'stopped') this.#become(worker, 'stopped', atMs)
    return false
  }

  #heard(worker: WorkerRecord, atMs: number): void {
    if (atMs > worker.lastHeardMs) worker.lastHeardMs = atMs
    if (worker.state !== 'up') this.#become(worker, 'up', atMs)
  }

  #become(worker: WorkerRecord, to: WorkerState, atMs: number): void {
    this.#tell({ kind: 'worker', worker: worker.name, from: worker.state, to, atMs })
    worker.state = to
    worker.sinceMs = atMs
  }

  #find(name: string, atMs: number, state: WorkerState = 'up'): WorkerRecord | undefined {
    const known = this.#workers.get(name)
    if (known !== undefined) return known
    if (this.#workers.size >= this.#settings.maxWorkers && !this.#makeRoom(atMs)) return undefined
    const worker = makeWorker(name, state, atMs)
    this.#workers.set(name, worker)
    this.#ever = true
    this.#tell({ kind: 'worker', worker: name, from: undefined, to: state, atMs })
    return worker
  }

  /** Forgets workers that are gone; while everyone is present the newcomer is refused, so that a crowd does not push itself out. */
  #makeRoom(atMs: number): boolean {
    // Having just found nobody gone, do not look again for every event of a crowd.
    if (atMs - this.#refusedAtMs >= 1000 || this.#refusedAtMs > atMs)
      for (const worker of this.#workers.values()) {
        if (isPresent(worker)) continue
        this.#workers.delete(worker.name)
        this.#refused++
        return true
      }
    this.#refused++
    this.#refusedAtMs = atMs
    return false
  }
}

function noteProcessed(worker: WorkerRecord, processed: number): void {
  if (worker.processedBase === -1 || processed < worker.processedBase) {
    worker.processedBase = processed
    worker.silentRises = 0
  } else if (processed > worker.processedBase) worker.silentRises++
  worker.processed = processed
}
