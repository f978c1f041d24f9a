import type { TaskEvent, WorkerEvent } from '../celery/index.ts'
import type { FleetChange, InspectMethod, WorkerState } from './contract.ts'
import type { FleetSettings } from './options.ts'
import { readActiveQueues, readRequests, readStats, type RequestsReply } from './replies.ts'
import {
  forgetReturns,
  isPresent,
  makeWorker,
  noteCount,
  noteReturn,
  type WorkerRecord,
} from './worker-record.ts'
import { WorkerLife } from './worker-life.ts'

/** What the table of workers tells to the rest of the fleet. */
export interface WorkerSurroundings {
  tell(change: FleetChange): void
  /** Whether any task of this name was ever received. */
  isReceived(name: string): boolean
  /** The longest that what it runs has ever taken, ms; NaN when that is not known. */
  longestRunMs(life: WorkerLife): number
  /** A process vanished: nobody runs any more what it ran. */
  lost(life: WorkerLife): void
  /** A process is forgotten. */
  forgotten(life: WorkerLife, atMs: number): void
}

/** What a process holds, by its answer. */
export interface HeldReply extends RequestsReply {
  readonly life: WorkerLife
}

/** A run that takes so many times the longest one seen has no more to be expected. */
const RUN_LENGTHS = 10

/** Processes remembered beside the present one; more than two under one name is a fleet gone wrong. */
const MAX_FORMER = 4

/**
 * The workers of a fleet. A worker's state follows from when *we* last heard it, never from its own clock:
 *
 * - up: heard. From anything: any event or answer but what a goodbye outdates.
 * - suspect: up, and silent for more than two of its heartbeats (two rounds of questions when it never beat).
 * - vanished: silent for the time-out, without goodbye. Anything heard brings it back up. A solo pool that started a task and has
 *   not ended it cannot speak, and no broker tells it from a dead one: Redis does not say whose connections it counts, RabbitMQ
 *   itself closes the connection of a client that is too busy to beat. What can be known is how long such a task has ever taken:
 *   after ten times that it has vanished. When that is not known it stays suspect until it would be forgotten. Should it be heard
 *   after all, it is up, and its task no orphan.
 * - stopped: said goodbye. Only what is younger than the goodbye brings it back: a later `worker-online` or heartbeat, another
 *   process, an answer to a question asked afterwards. Tasks that end during a warm shutdown do not.
 *
 * While the broker is lost nobody changes state, and its return counts as the last sign of everyone: silence then proves nothing.
 * After `forgetWorkerMs` a worker that vanished or stopped is forgotten.
 */
export class WorkerTable {
  readonly #settings: FleetSettings
  readonly #around: WorkerSurroundings
  readonly #workers = new Map<string, WorkerRecord>()
  #listeningSinceMs = Number.NEGATIVE_INFINITY
  #refused = 0
  #refusedAtMs = Number.NEGATIVE_INFINITY
  #ever = false

  constructor(settings: FleetSettings, around: WorkerSurroundings) {
    this.#settings = settings
    this.#around = around
  }

  /** Workers not taken in because the table was full of present ones, or forgotten to make room. */
  get refused(): number {
    return this.#refused
  }

  get size(): number {
    return this.#workers.size
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

  /** The process behind the name of a present worker. */
  presentLife(name: string): WorkerLife | undefined {
    const worker = this.#workers.get(name)
    return worker !== undefined && isPresent(worker) ? worker.life : undefined
  }

  onlyQueueOf(name: string): string {
    return this.#workers.get(name)?.life.onlyQueue ?? ''
  }

  brokerLost(): void {
    this.#listeningSinceMs = Number.NaN
  }

  brokerConnected(atMs: number): void {
    this.#listeningSinceMs = atMs
    for (const { life } of this.#workers.values()) {
      // Task events of the outage were lost while `processed` went on.
      life.spokeSinceBeat = true
      life.silentRises = 0
    }
  }

  /** True when the event was a sign of life. */
  applyWorkerEvent(event: WorkerEvent, atMs: number): boolean {
    const stampMs = event.timestamp * 1000
    if (event.type === 'worker-offline') return this.#goodbye(event, stampMs, atMs)
    const worker = this.#find(event.hostname, atMs)
    if (worker === undefined || stampMs <= worker.goodbyeStampMs) return false
    const otherPid = hasOtherPid(worker.life, event.pid)
    if (stampMs < worker.stampMs) {
      // Overtaken by a younger event: of an older process, or an older word of this one.
      if (!otherPid) this.#heard(worker, atMs)
      return !otherPid
    }
    if (event.type === 'worker-online') forgetReturns(worker)
    else if (!otherPid) noteCount(worker, event.processed, atMs)
    const life =
      otherPid || countsAnew(worker.life, event) ? this.#replaceLife(worker, event.pid, atMs) : worker.life
    life.pid = event.pid ?? life.pid
    worker.stampMs = stampMs
    life.version = event.sw_ver ?? life.version
    const asked = event.active === undefined && event.processed === undefined
    if (event.active !== undefined) {
      life.active = event.active
      life.activeAtMs = atMs
    }
    if (event.processed !== undefined) {
      life.noteProcessed(event.processed)
      life.starts.beat(
        event.clock,
        stampMs,
        event.processed,
        life.silentRises >= 2,
        startsSideBySide(life.pool),
      )
    }
    if (!asked) {
      worker.delayMs = atMs - stampMs
      life.heartbeatMs = event.freq * 1000
      life.consuming.beat(atMs, life.heartbeatMs, life.processed, life.pool === 'solo')
      life.beatAtMs = atMs
      life.clock.heard(worker.delayMs)
    }
    this.#heard(worker, atMs)
    return true
  }

  /** The worker that sent it, when it is known; it is `up` when the event was a sign of life. */
  applyTaskEvent(event: TaskEvent, atMs: number): WorkerRecord | undefined {
    const worker = this.#find(event.hostname, atMs)
    if (worker === undefined) return undefined
    const stampMs = event.timestamp * 1000
    const another = hasOtherPid(worker.life, event.pid)
    if (worker.state === 'stopped' && (!another || stampMs <= worker.goodbyeStampMs)) return worker
    if (another && stampMs >= worker.stampMs) this.#replaceLife(worker, event.pid, atMs)
    // Overtaken by a word of the other process under the same name, it still is of its own.
    const life = lifeBehind(worker, event.pid) ?? worker.life
    life.pid ??= event.pid ?? null
    if (stampMs > worker.stampMs) worker.stampMs = stampMs
    life.noteTaskEvent()
    if (event.type === 'task-started') life.starts.started(event.clock, stampMs)
    else if (event.type === 'task-received') life.starts.received()
    life.running = event.type === 'task-started'
    this.#heard(worker, atMs)
    return worker
  }

  /** One worker's answer, given somewhere between `askedAtMs` and `atMs`. Tells what it holds, for `active`, `reserved` and `scheduled`. */
  applyReply(
    name: string,
    method: InspectMethod,
    value: unknown,
    askedAtMs: number,
    atMs: number,
  ): HeldReply | undefined {
    const worker = this.#find(name, atMs)
    if (worker === undefined) return undefined
    const outdated = worker.state === 'stopped' && askedAtMs <= worker.goodbyeAtMs
    // The process that answered may have been replaced while the answer was on its way.
    if (outdated || askedAtMs < worker.life.bornAtMs) return undefined
    worker.answeredAtMs = atMs
    this.#heard(worker, atMs)
    if (method === 'ping') return undefined
    if (method === 'stats') {
      this.#applyStats(worker, value, atMs)
      return undefined
    }
    const { life } = worker
    if (method === 'active_queues') {
      const queues = readActiveQueues(value)
      if (queues === undefined) return undefined
      life.queues = [...new Set(queues.map(queue => queue.name))].sort()
      life.routes = new Map(queues.map(queue => [queue.routingKey, queue.name]))
      life.onlyQueue = life.queues.length === 1 ? (life.queues[0] ?? '') : ''
      life.consuming.answered(queues.length, askedAtMs)
      return undefined
    }
    const held = readRequests(value)
    if (held === undefined) return undefined
    if (method === 'active') {
      if (askedAtMs >= life.activeAtMs) {
        life.active = held.count
        life.activeAtMs = askedAtMs
      }
    } else {
      life[method] = held.count
      life[`${method}AtMs`] = askedAtMs
    }
    return { ...held, life }
  }

  /**
   * A question of a round was put to all, and those named have answered. Who does not answer may not be consuming. A round begins
   * with `stats`, and who does not answer that may not be asked, or waited for, any further.
   */
  asked(method: 'stats' | 'active_queues', answered: ReadonlyMap<string, unknown>, askedAtMs: number): void {
    for (const worker of this.#workers.values()) {
      if (!isPresent(worker)) continue
      const { life } = worker
      const silent = !answered.has(worker.name) && askedAtMs >= life.bornAtMs
      if (silent && (method === 'stats' || !life.silentInRound))
        life.consuming.unanswered(askedAtMs, life.beatAtMs, life.processed)
      life.silentInRound = silent && method === 'stats'
    }
  }

  tick(nowMs: number): void {
    if (Number.isNaN(this.#listeningSinceMs)) return
    for (const worker of this.#workers.values()) {
      this.#buryFormer(worker, nowMs)
      if (worker.returns > 0 && nowMs - worker.returnedAtMs >= this.#patience(worker).vanishedMs)
        forgetReturns(worker)
      if (isPresent(worker)) {
        const silentMs = nowMs - Math.max(worker.lastHeardMs, this.#listeningSinceMs)
        const { suspectMs, vanishedMs } = this.#patience(worker)
        if (silentMs >= vanishedMs) this.#become(worker, 'vanished', nowMs)
        else if (silentMs > suspectMs && worker.state === 'up') this.#become(worker, 'suspect', nowMs)
      } else if (nowMs - worker.sinceMs >= this.#settings.forgetWorkerMs) this.#forget(worker, nowMs)
    }
  }

  #applyStats(worker: WorkerRecord, value: unknown, atMs: number): void {
    const stats = readStats(value)
    if (stats === undefined) return
    const { pid, heartbeatMs } = worker.life
    // Heartbeats tell when another process took over; without them only answers do.
    if (Number.isNaN(heartbeatMs) && pid !== null && stats.pid !== undefined && stats.pid !== pid)
      this.#replaceLife(worker, stats.pid, atMs)
    const { life } = worker
    life.pid ??= stats.pid ?? null
    life.concurrency = stats.concurrency ?? life.concurrency
    life.pool = stats.pool ?? life.pool
    life.pids = stats.pids?.filter(pid => pid !== life.pid) ?? life.pids
    const lost =
      stats.totals &&
      lifeBehind(worker, stats.pid)?.starts.counted(stats.totals, name => this.#around.isReceived(name))
    if (lost !== undefined) this.#around.tell({ kind: 'events-lost', worker: worker.name, count: lost })
    life.prefetch = stats.prefetch === 0 ? null : (stats.prefetch ?? life.prefetch)
  }

  /** Another process speaks under the name: one that did before, or a new one. */
  #replaceLife(worker: WorkerRecord, pid: number | undefined, atMs: number): WorkerLife {
    const { former, life } = worker
    const known = former.findIndex(one => one.pid === pid && pid !== life.pid)
    const returned = known === -1 ? undefined : former.splice(known, 1)[0]
    if (returned !== undefined) noteReturn(worker, atMs)
    worker.life = returned ?? new WorkerLife(worker.name, pid ?? null, atMs, atMs)
    former.push(life)
    // Two processes of one pid cannot be: the old one is no more, however lately it was heard.
    if (life.pid === pid || former.length > MAX_FORMER)
      this.#bury(worker, life.pid === pid ? life : former[0], atMs)
    return worker.life
  }

  /** Processes that were replaced, and are silent since as long as a worker needs to vanish, are no more. */
  #buryFormer(worker: WorkerRecord, nowMs: number): void {
    if (worker.former.length === 0) return
    const { vanishedMs } = this.#patience(worker)
    const silent = worker.former.filter(
      life => nowMs - Math.max(life.heardAtMs, this.#listeningSinceMs) >= vanishedMs,
    )
    for (const life of silent) this.#bury(worker, life, nowMs)
  }

  #bury(worker: WorkerRecord, life: WorkerLife | undefined, atMs: number): void {
    if (life === undefined) return
    worker.former.splice(worker.former.indexOf(life), 1)
    life.gone = true
    if (!life.saidGoodbye) this.#around.lost(life)
    this.#around.forgotten(life, atMs)
  }

  #forget(worker: WorkerRecord, atMs: number): void {
    for (const life of [worker.life, ...worker.former]) this.#around.forgotten(life, atMs)
    this.#workers.delete(worker.name)
  }

  #patience(worker: WorkerRecord): { suspectMs: number; vanishedMs: number } {
    const { workerTimeoutMs, inspectIntervalMs, forgetWorkerMs } = this.#settings
    const { heartbeatMs, isDeafened } = worker.life
    const beats = !Number.isNaN(heartbeatMs)
    const suspectMs = 2 * (beats ? heartbeatMs : inspectIntervalMs)
    if (isDeafened) {
      const longestMs = this.#around.longestRunMs(worker.life)
      const busyMs = Number.isNaN(longestMs) ? forgetWorkerMs : RUN_LENGTHS * longestMs
      return { suspectMs, vanishedMs: Math.max(workerTimeoutMs, Math.min(busyMs, forgetWorkerMs)) }
    }
    // Someone who beats every minute is not gone after half of one.
    const vanishedMs = Math.max(workerTimeoutMs, beats ? 2 * heartbeatMs : 3 * inspectIntervalMs)
    return { suspectMs, vanishedMs }
  }

  #goodbye(event: WorkerEvent, stampMs: number, atMs: number): boolean {
    const worker = this.#find(event.hostname, atMs, 'stopped')
    if (worker === undefined) return false
    const another = hasOtherPid(worker.life, event.pid)
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
    worker.life.running = false
    worker.life.saidGoodbye = true
    if (worker.state !== 'stopped') this.#become(worker, 'stopped', atMs)
    return false
  }

  #heard(worker: WorkerRecord, atMs: number): void {
    if (atMs > worker.lastHeardMs) worker.lastHeardMs = atMs
    worker.life.heardAtMs = worker.lastHeardMs
    worker.life.saidGoodbye = false
    if (worker.state !== 'up') this.#become(worker, 'up', atMs)
  }

  #become(worker: WorkerRecord, to: WorkerState, atMs: number): void {
    this.#around.tell({ kind: 'worker', worker: worker.name, from: worker.state, to, atMs })
    worker.state = to
    worker.sinceMs = atMs
    worker.life.gone = !isPresent(worker)
    if (to !== 'vanished') return
    this.#around.lost(worker.life)
    while (worker.former.length > 0) this.#bury(worker, worker.former[0], atMs)
  }

  #find(name: string, atMs: number, state: WorkerState = 'up'): WorkerRecord | undefined {
    const known = this.#workers.get(name)
    if (known !== undefined) return known
    if (this.#workers.size >= this.#settings.maxWorkers && !this.#makeRoom(atMs)) return undefined
    const worker = makeWorker(name, state, atMs)
    this.#workers.set(name, worker)
    this.#ever = true
    this.#around.tell({ kind: 'worker', worker: name, from: undefined, to: state, atMs })
    return worker
  }

  /** Forgets workers that are gone; while everyone is present the newcomer is refused, so that a crowd does not push itself out. */
  #makeRoom(atMs: number): boolean {
    // Having just found nobody gone, do not look again for every event of a crowd.
    if (atMs - this.#refusedAtMs >= 1000 || this.#refusedAtMs > atMs)
      for (const worker of this.#workers.values()) {
        if (isPresent(worker)) continue
        this.#forget(worker, atMs)
        this.#refused++
        return true
      }
    this.#refused++
    this.#refusedAtMs = atMs
    return false
  }
}

const startsSideBySide = (pool: string | null): boolean =>
  pool === 'threads' || pool === 'gevent' || pool === 'eventlet'

/** The process of that pid among those under the name; the newest for an unknown pid, undefined when none has it. */
const lifeBehind = ({ life, former }: WorkerRecord, pid: number | undefined): WorkerLife | undefined =>
  pid === undefined || life.pid === null || life.pid === pid ? life : former.find(one => one.pid === pid)

const hasOtherPid = (life: WorkerLife, pid: number | undefined): boolean =>
  pid !== undefined && life.pid !== null && pid !== life.pid

/** In a container a worker often has the same pid each time; a new process then shows by what it counts since its start. */
const countsAnew = (life: WorkerLife, { processed }: WorkerEvent): boolean =>
  processed !== undefined && life.processed !== null && processed < life.processed
