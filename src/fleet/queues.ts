import { SECOND } from '../base/index.ts'
import type { QueueFacts, QueueView } from './contract.ts'
import type { Demand } from './demand.ts'
import { HeadAges, type SinceOf } from './head-ages.ts'
import type { FleetSettings } from './options.ts'
import { QueueProgress } from './progress.ts'
import type { TaskRecord } from './task-record.ts'
import type { InspectionRounds } from './unseen-starts.ts'
import { EtaHeap, Line } from './waiting.ts'
import type { WorkerLife } from './worker-life.ts'

/** Clients' events may arrive in another order than their messages, and a reading takes its time: by so much a time is doubted. */
const DOUBT_MS = 5 * SECOND

interface Queue {
  readonly name: string
  readonly configured: boolean
  depth: number | null
  depthAtMs: number
  /** Since when every reading said 0; NaN otherwise. */
  emptySinceMs: number
  /** When it was last named by a task, a worker or the broker. */
  namedAtMs: number
  /** True once a `task-sent` named it, since the broker was connected: only then can ages be told. */
  sentSeen: boolean
  /** Tasks without an ETA in order of arrival, and tasks whose ETA has come in order of ETA. */
  readonly plain: Line<TaskRecord>
  readonly due: Line<TaskRecord>
  /** The newest task that was forgotten while it waited: until a newer one starts, the oldest is not known. NaN: none. */
  lostUntilMs: number
  unacked: number | null
  /** As the broker counts them; null where it does not. */
  consumers: number | null
  readonly progress: QueueProgress
  readonly headAges: HeadAges
  /** What began to wait before `sinceMs` was not in the broker, by a reading in that round of questions. */
  leftBefore: { readonly sinceMs: number; readonly round: number } | undefined
}

/** What the rest of the fleet knows for the views of queues. */
export interface QueueKnowledge {
  readonly connected: boolean
  /** Whether starts of a queue's tasks can be seen at all, so that what did not start still waits. */
  startsAreSeen(queue: string): boolean
  demand(queue: string): Demand
}

/**
 * The queues of a fleet: their depths, and the tasks that were sent to them and have not started. Bounded: when full, new names
 * are refused and counted; names nobody mentions any more make room.
 */
export class QueueTable {
  readonly #settings: FleetSettings
  readonly #queues = new Map<string, Queue>()
  readonly #etas = new EtaHeap<TaskRecord>()
  #refused = 0

  constructor(settings: FleetSettings) {
    this.#settings = settings
    for (const name of settings.queues) this.#queues.set(name, this.#make(name, true))
  }

  get refused(): number {
    return this.#refused
  }

  get size(): number {
    return this.#queues.size
  }

  names(): readonly string[] {
    return [...this.#queues.keys()]
  }

  know(name: string, atMs: number): void {
    const queue = this.#find(name, atMs)
    if (queue !== undefined && atMs > queue.namedAtMs) queue.namedAtMs = atMs
  }

  /** `sinceOf`: since when a message waits, by its id. `round`: the round of questions being asked. */
  observe(readings: readonly QueueFacts[], sinceOf: SinceOf, round: number, atMs: number): void {
    for (const facts of readings) {
      const { depth } = facts
      if (!Number.isFinite(depth) || depth < 0) continue
      const queue = this.#find(facts.queue, atMs)
      if (queue === undefined) continue
      queue.depth = depth
      queue.depthAtMs = atMs
      if (depth > 0) queue.emptySinceMs = Number.NaN
      else if (Number.isNaN(queue.emptySinceMs)) queue.emptySinceMs = atMs
      if (depth > 0) queue.namedAtMs = atMs
      queue.unacked = facts.unacked
      queue.consumers = facts.consumers
      queue.progress.read(facts, atMs)
      queue.headAges.read(facts, atMs, sinceOf)
      queue.leftBefore ??= leftBefore(queue, round, atMs)
    }
  }

  /** It waits since `waitingSinceMs`, which lies ahead while it has an ETA to come. */
  startedWaiting(task: TaskRecord, atMs: number): void {
    leave(task, this.#etas)
    const queue = task.queue === '' ? undefined : this.#find(task.queue, atMs)
    if (queue === undefined) return
    queue.sentSeen = true
    queue.namedAtMs = atMs
    if (task.waitingSinceMs > atMs) this.#etas.add(task)
    else queue.plain.join(task)
  }

  stoppedWaiting(task: TaskRecord, how: 'started' | 'ended' | 'lost'): void {
    if (!leave(task, this.#etas)) return
    const sinceMs = task.waitingSinceMs
    const queue = this.#queues.get(task.queue)
    if (queue === undefined) return
    // Queues are first in, first out: once a newer task has started, those forgotten have too.
    if (how === 'lost')
      queue.lostUntilMs = Number.isNaN(queue.lostUntilMs) ? sinceMs : Math.max(queue.lostUntilMs, sinceMs)
    else if (how === 'started' && sinceMs > queue.lostUntilMs) queue.lostUntilMs = Number.NaN
  }

  /** Ages rest on an unbroken row of events: when it breaks, what waits is no longer known. Depths are no longer known either. */
  brokerLost(): void {
    for (const queue of this.#queues.values()) {
      this.#clear(queue, Infinity, () => true)
      queue.sentSeen = false
      queue.depth = null
      queue.emptySinceMs = Number.NaN
      queue.lostUntilMs = Number.NaN
      queue.leftBefore = undefined
      queue.headAges.lost()
    }
    while (this.#etas.takeDue(Infinity) !== undefined);
  }

  /**
   * What the table takes for waiting although its start went unseen (events are lost now and then) is found by the broker and the
   * workers: when a queue is still empty, and since it was first found so every present worker said that it holds no task, then
   * what was sent before does not wait. Except for what was received by a worker that is gone: that waits to be delivered again.
   */
  forgetUnseenStarts(heldNothingSinceMs: number, isPresent: (worker: string) => boolean): void {
    for (const queue of this.#queues.values()) {
      const sinceMs = queue.emptySinceMs
      if (!(queue.depthAtMs > sinceMs && heldNothingSinceMs >= sinceMs)) continue
      this.#clear(queue, sinceMs, task => task.worker === '' || isPresent(task.worker))
      if (queue.lostUntilMs < sinceMs) queue.lostUntilMs = Number.NaN
    }
  }

  /**
   * The same by rounds of questions, for queues that are never empty. What a present worker received and does not list any more has
   * started. What nobody was seen to receive, was not in the broker and is listed by no worker has, too.
   */
  roundEnded(
    rounds: InspectionRounds,
    lifeOf: (worker: string) => WorkerLife | undefined,
    allSaid: boolean,
  ): void {
    for (const queue of this.#queues.values()) {
      const left = queue.leftBefore
      const decided = allSaid && left !== undefined && rounds.isPast(left.round)
      if (decided) queue.leftBefore = undefined
      this.#clear(queue, Infinity, task => {
        if (!rounds.isPast(task.heldRound)) return false
        if (task.worker === '') return decided && task.waitingSinceMs < left.sinceMs
        return rounds.isPast(task.receivedRound) && (lifeOf(task.worker)?.fullRounds ?? 0) >= 2
      })
    }
  }

  tick(nowMs: number): void {
    this.#wakeDue(nowMs)
    for (const queue of this.#queues.values())
      if (!queue.configured && nowMs - queue.namedAtMs > this.#settings.forgetQueueMs && isIdle(queue))
        this.#queues.delete(queue.name)
  }

  views(nowMs: number, known: QueueKnowledge): QueueView[] {
    this.#wakeDue(nowMs)
    const oldestReadingMs = nowMs - 3 * this.#settings.collectIntervalMs
    return [...this.#queues.values()].map(queue => {
      const { name } = queue
      const fresh = known.connected && queue.depth !== null && queue.depthAtMs >= oldestReadingMs
      const depth = fresh ? queue.depth : null
      const startsSeen = known.connected && known.startsAreSeen(name)
      const { consumers, slots, freeSlots, reserved, running } = known.demand(name)
      return {
        queue: name,
        depth,
        depthAtMs: fresh ? queue.depthAtMs : null,
        consumers: (fresh ? queue.consumers : null) ?? consumers,
        oldestTaskAgeSeconds: oldestAgeSeconds(queue, fresh, startsSeen, nowMs),
        noProgressSeconds: fresh ? queue.progress.seconds(nowMs) : null,
        unacked: fresh ? queue.unacked : null,
        reservedTasks: reserved,
        freeSlots,
        load:
          depth === null || reserved === null || running === null || slots === null || slots === 0
            ? null
            : (running + reserved + depth) / slots,
      }
    })
  }

  #wakeDue(nowMs: number): void {
    for (let task = this.#etas.takeDue(nowMs); task !== undefined; task = this.#etas.takeDue(nowMs)) {
      this.#find(task.queue, nowMs)?.due.join(task)
    }
  }

  #clear(queue: Queue, beforeMs: number, may: (task: TaskRecord) => boolean): void {
    for (const line of [queue.plain, queue.due])
      for (let task = line.first; task !== undefined && task.waitingSinceMs < beforeMs;) {
        const next = task.after
        if (may(task)) line.leave(task)
        task = next
      }
  }

  #make(name: string, configured: boolean): Queue {
    return makeQueue(name, configured, 3 * this.#settings.collectIntervalMs)
  }

  #find(name: string, atMs: number): Queue | undefined {
    const known = this.#queues.get(name)
    if (known !== undefined) return known
    if (this.#queues.size >= this.#settings.maxQueues) {
      this.#refused++
      return undefined
    }
    const queue = this.#make(name, false)
    queue.namedAtMs = atMs
    this.#queues.set(name, queue)
    return queue
  }
}

const makeQueue = (name: string, configured: boolean, maxGapMs: number): Queue => ({
  name,
  configured,
  depth: null,
  depthAtMs: Number.NEGATIVE_INFINITY,
  emptySinceMs: Number.NaN,
  namedAtMs: Number.NEGATIVE_INFINITY,
  sentSeen: false,
  plain: new Line(),
  due: new Line(),
  lostUntilMs: Number.NaN,
  unacked: null,
  consumers: null,
  progress: new QueueProgress(),
  headAges: new HeadAges(maxGapMs),
  leftBefore: undefined,
})

const isIdle = (queue: Queue): boolean =>
  (queue.depth === null || queue.depth === 0) && queue.plain.size === 0 && queue.due.size === 0

/** Takes a task out of where it waits; false when it did not wait. */
function leave(task: TaskRecord, etas: EtaHeap<TaskRecord>): boolean {
  if (task.line !== undefined) task.line.leave(task)
  else if (task.heapIndex !== -1) etas.remove(task)
  else return false
  return true
}

/** By a reading just taken: what is older than all heads has left the broker, and so has everything when it is empty. */
function leftBefore(queue: Queue, round: number, atMs: number): Queue['leftBefore'] {
  const { sinceMs } = queue.headAges
  if (queue.depth !== 0 && !Number.isFinite(sinceMs)) return undefined
  return { sinceMs: Math.min(sinceMs, atMs) - DOUBT_MS, round }
}

/**
 * By events where starts are seen and no waiting task was forgotten, and by the oldest message of the broker where that one can be
 * read; both when both can be told. A message in the broker that neither an event nor a sample knows may be older than all others.
 */
function oldestAgeSeconds(queue: Queue, fresh: boolean, startsSeen: boolean, nowMs: number): number | null {
  const byEvents = startsSeen && queue.sentSeen && Number.isNaN(queue.lostUntilMs)
  const headMs = fresh ? queue.headAges.sinceMs : Number.NaN
  const byHeads = !Number.isNaN(headMs)
  if (!byEvents && !byHeads) return null
  if (byEvents && fresh && !byHeads && queue.headAges.canTell) return null
  const eventMs = byEvents
    ? Math.min(queue.plain.first?.waitingSinceMs ?? Infinity, queue.due.first?.waitingSinceMs ?? Infinity)
    : Infinity
  const sinceMs = Math.min(eventMs, byHeads ? headMs : Infinity)
  return sinceMs === Infinity ? 0 : Math.max(0, nowMs - sinceMs) / 1000
}
