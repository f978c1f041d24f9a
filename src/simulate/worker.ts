import type { Cancel } from '../base/index.ts'
import { type HeldTask, SOFTWARE, tracebackText } from './messages.ts'
import type { WorkerProfile } from './profile.ts'
import { between, integerBetween } from './random.ts'
import { confReply, queueReply, requestReply, scheduledReply, statsReply } from './replies.ts'
import type { PlannedEnd, World } from './world.ts'

const HEARTBEAT_SECONDS = 2
/** A prefork worker flushes its events once per turn of its loop, at most 24 in a message (celery-wire.md section 5). */
const FLUSH_MS = 5
const BATCH_EVENTS = 24
/** How often an idle worker looks at its queues; the fleet wakes it earlier when it publishes itself. */
const IDLE_POLL_MS = 1000
/** The broker gives back what a dead worker held after this long. */
const VISIBILITY_TIMEOUT_MS = 60_000

interface Running {
  readonly task: HeldTask
  readonly startedMs: number
  readonly pid: number
  readonly cancel: Cancel
}

/** down: no process. up: consumes. stopping: a warm shutdown waits for its running tasks. */
export type WorkerPhase = 'down' | 'up' | 'stopping'

/**
 * One worker of the simulated fleet: takes messages as a real one does (prefetch, ETA tasks in memory), runs them by the clock,
 * sends what Celery would send and answers remote control.
 */
export class SimulatedWorker {
  readonly profile: WorkerProfile
  readonly #world: World
  #phase: WorkerPhase = 'down'
  #pid = 0
  #childPids: number[] = []
  #lamport = 0
  #startedMs = 0
  #processed = 0
  #totals = new Map<string, number>()
  #queues: string[] = []
  #reserved: HeldTask[] = []
  readonly #scheduled = new Map<string, { task: HeldTask; cancel: Cancel }>()
  readonly #running = new Map<string, Running>()
  #events: Record<string, unknown>[] = []
  #cancelFlush: Cancel | undefined
  #cancelTimers: Cancel[] = []
  #taking = false
  /** Told apart from an earlier life: a message that arrives after a death goes back. */
  #life = 0
  #whenIdle: (() => void) | undefined

  constructor(profile: WorkerProfile, world: World) {
    this.profile = profile
    this.#world = world
  }

  get node(): string {
    return this.profile.node
  }

  get phase(): WorkerPhase {
    return this.#phase
  }

  get queues(): readonly string[] {
    return this.#queues
  }

  get load(): { active: number; reserved: number; scheduled: number; processed: number } {
    return {
      active: this.#running.size,
      reserved: this.#reserved.length,
      scheduled: this.#scheduled.size,
      processed: this.#processed,
    }
  }

  /** Starts a new process: `worker-online`, heartbeats, consuming. Does nothing when it is not down. */
  start(): void {
    if (this.#phase !== 'down') return
    const { clock, random } = this.#world
    this.#phase = 'up'
    this.#life++
    this.#pid = integerBetween(random, 1000, 30_000)
    this.#childPids = Array.from({ length: this.profile.concurrency }, (_, index) => this.#pid + 2 + index)
    this.#lamport = 0
    this.#processed = 0
    this.#totals = new Map()
    this.#queues = [...this.profile.queues]
    this.#startedMs = clock.now()
    this.#sendWorkerEvent('worker-online')
    this.#every(HEARTBEAT_SECONDS * 1000, () => this.#sendWorkerEvent('worker-heartbeat'))
    this.#every(IDLE_POLL_MS * between(random, 0.9, 1.1), () => this.wake())
    this.wake()
  }

  /** `kill -9`: no goodbye; running tasks are lost, prefetched ones come back after the visibility time-out. */
  die(): void {
    if (this.#phase === 'down') return
    const { clock, counts } = this.#world
    const held = this.#emptyHands()
    counts.unacked += held.length
    counts.running -= this.#running.size
    counts.lost += this.#running.size
    for (const { cancel } of this.#running.values()) cancel()
    this.#running.clear()
    this.#end()
    clock.after(VISIBILITY_TIMEOUT_MS, () => {
      counts.unacked -= held.length
      for (const task of held) this.#giveBack(task)
    })
  }

  /** SIGTERM: gives back what it prefetched, ends what it runs, says goodbye, then calls `whenGone`. */
  shutDown(whenGone: () => void): void {
    if (this.#phase !== 'up') return
    this.#phase = 'stopping'
    for (const task of this.#emptyHands()) this.#giveBack(task)
    this.#whenIdle = () => {
      this.#sendWorkerEvent('worker-offline')
      this.#end()
      whenGone()
    }
    this.#endIfIdle()
  }

  /** Says goodbye at once, whatever is running: the simulation itself ends. */
  sayGoodbye(): void {
    if (this.#phase === 'down') return
    this.#sendWorkerEvent('worker-offline')
    this.#end()
  }

  /** True when it would take a message of the queue now. */
  wants(queue: string): boolean {
    return this.#queues.includes(queue) && this.#hasRoom()
  }

  /** Looks for messages now. */
  wake(): void {
    if (!this.#taking && this.#hasRoom()) void this.#takeAll()
  }

  /** Stops consuming a queue for good (this process). */
  cancelConsumer(queue: string): void {
    this.#queues = this.#queues.filter(other => other !== queue)
  }

  /** Answers a remote control request, or returns undefined when a real worker would say nothing. */
  answer(method: string, args: Readonly<Record<string, unknown>>): unknown {
    const safe = args['safe'] === true
    this.#lamport++
    switch (method) {
      case 'ping':
        return { ok: 'pong' }
      case 'stats':
        return statsReply({
          profile: this.profile,
          pid: this.#pid,
          childPids: this.#childPids,
          clock: this.#lamport,
          uptimeSeconds: (this.#world.clock.now() - this.#startedMs) / 1000,
          totals: this.#totals,
          running: this.#running.size,
          prefetchCount: this.#prefetch() + this.#scheduled.size,
        })
      case 'active_queues':
        return this.#queues.map(queueReply)
      case 'active':
        return [...this.#running.values()].map(run => requestReply(this.node, run.task, run, safe))
      case 'reserved':
        return this.#reserved.map(task => requestReply(this.node, task, null, safe))
      case 'scheduled':
        return [...this.#scheduled.values()].map(({ task }) => scheduledReply(this.node, task, safe))
      case 'registered':
        return [...this.#world.tasks.keys()].sort()
      case 'conf':
        return confReply(this.profile.queues)
      case 'revoked':
        return []
      case 'clock':
        return { clock: this.#lamport }
      case 'enable_events':
        return { ok: 'task events already enabled' }
      case 'disable_events':
        return { ok: 'task events already disabled' }
      case 'add_consumer':
      case 'cancel_consumer':
        return this.#changeConsumer(method, args['queue'])
      case 'heartbeat':
        // Asked for by remote control: freq 5, and neither active nor processed (celery-wire.md section 5).
        this.#world.publishEvents({ ...this.#stamp('worker-heartbeat'), freq: 5, ...SOFTWARE })
        return undefined
      default:
        return { error: `KeyError('${method}')` }
    }
  }

  #changeConsumer(method: string, queue: unknown): unknown {
    if (typeof queue !== 'string') return { error: `TypeError("${method}() needs a queue")` }
    this.cancelConsumer(queue)
    if (method === 'cancel_consumer') return { ok: `no longer consuming from ${queue}` }
    this.#queues.push(queue)
    this.wake()
    return { ok: `add consumer ${queue}` }
  }

  #every(periodMs: number, run: () => void): void {
    const slot = this.#cancelTimers.length
    const again = (): void => {
      this.#cancelTimers[slot] = this.#world.clock.after(periodMs, () => {
        run()
        if (this.#phase !== 'down') again()
      })
    }
    again()
  }

  #prefetch(): number {
    return this.profile.concurrency * this.profile.prefetchMultiplier
  }

  /** Prefetch counts all that is unacknowledged; early acknowledgement makes that the reserved ones, beside free slots. */
  #hasRoom(): boolean {
    const slots = this.profile.concurrency - this.#running.size
    return this.#phase === 'up' && this.#queues.length > 0 && this.#reserved.length < this.#prefetch() + slots
  }

  async #takeAll(): Promise<void> {
    this.#taking = true
    try {
      while (this.#hasRoom()) {
        const life = this.#life
        const task = await this.#world.take(this.#queues)
        if (task === undefined) return
        if (this.#life !== life || this.#phase !== 'up') this.#giveBack(task)
        else this.#receive(task)
      }
    } finally {
      this.#taking = false
    }
  }

  #receive(task: HeldTask): void {
    const { clock, counts } = this.#world
    this.#totals.set(task.name, (this.#totals.get(task.name) ?? 0) + 1)
    this.#sendTaskEvent('task-received', {
      uuid: task.id,
      name: task.name,
      args: task.argsrepr,
      kwargs: '{}',
      root_id: task.rootId,
      parent_id: task.parentId,
      retries: task.retries,
      eta: task.eta,
      expires: null,
    })
    const delayMs = (task.etaMs ?? 0) - clock.now()
    if (delayMs <= 0) {
      this.#reserve(task)
      return
    }
    counts.scheduled++
    const cancel = clock.after(delayMs, () => {
      counts.scheduled--
      this.#scheduled.delete(task.id)
      this.#reserve(task)
    })
    this.#scheduled.set(task.id, { task, cancel })
  }

  #reserve(task: HeldTask): void {
    this.#world.counts.reserved++
    this.#reserved.push(task)
    this.#runNext()
  }

  #runNext(): void {
    while (this.#phase !== 'down' && this.#running.size < this.profile.concurrency) {
      const task = this.#reserved.shift()
      if (task === undefined) return
      this.#world.counts.reserved--
      this.#run(task)
    }
  }

  #run(task: HeldTask): void {
    const { clock, counts, tasks } = this.#world
    const profile = tasks.get(task.name)
    // `take` hands over nothing but tasks of the profile.
    if (profile === undefined) return
    const { seconds, end } = this.#world.plan(profile, task.retries)
    counts.running++
    this.#processed++
    this.#sendTaskEvent('task-started', { uuid: task.id })
    const busy = new Set([...this.#running.values()].map(run => run.pid))
    const pid = this.#childPids.find(child => !busy.has(child)) ?? this.#pid
    this.#running.set(task.id, {
      task,
      startedMs: clock.now(),
      pid,
      cancel: clock.after(seconds * 1000, () => this.#finish(task, pid, seconds, end)),
    })
  }

  #finish(task: HeldTask, pid: number, seconds: number, end: PlannedEnd): void {
    const { counts, clock } = this.#world
    this.#running.delete(task.id)
    counts.running--
    counts[end.kind]++
    if (end.kind === 'succeeded') {
      this.#sendTaskEvent('task-succeeded', { uuid: task.id, result: 'None', runtime: seconds })
    } else {
      const message = end.kind === 'failed' ? end.message : 'try again'
      this.#sendTaskEvent(`task-${end.kind}`, {
        uuid: task.id,
        exception: message === '' ? `${end.exception}()` : `${end.exception}('${message}')`,
        traceback: tracebackText(task.name, end.exception, message),
      })
    }
    if (end.kind === 'retried') {
      this.#world.sendTask(
        {
          ...task,
          retries: task.retries + 1,
          etaMs: clock.now() + end.countdownSeconds * 1000,
          rootId: task.rootId ?? task.id,
          parentId: task.id,
          origin: `gen${pid}@${this.node.slice(this.node.indexOf('@') + 1)}`,
        },
        pid,
      )
    }
    this.#runNext()
    this.wake()
    this.#endIfIdle()
  }

  #endIfIdle(): void {
    if (this.#phase !== 'stopping' || this.#running.size > 0) return
    this.#whenIdle?.()
    this.#whenIdle = undefined
  }

  /** Takes back what is prefetched or scheduled, out of the counts too. */
  #emptyHands(): HeldTask[] {
    const { counts } = this.#world
    const held = [...this.#reserved, ...[...this.#scheduled.values()].map(({ task }) => task)]
    for (const { cancel } of this.#scheduled.values()) cancel()
    counts.reserved -= this.#reserved.length
    counts.scheduled -= this.#scheduled.size
    this.#reserved = []
    this.#scheduled.clear()
    return held
  }

  #giveBack(task: HeldTask): void {
    const envelope = { ...task.envelope, headers: { ...task.envelope.headers, redelivered: true } }
    this.#world.counts.returned++
    this.#world.giveBack(task.queue, envelope, task.priority)
  }

  #end(): void {
    this.#phase = 'down'
    for (const cancel of this.#cancelTimers) cancel()
    this.#cancelTimers = []
    this.#cancelFlush?.()
    this.#cancelFlush = undefined
    this.#events = []
  }

  #stamp(type: string): Record<string, unknown> {
    return {
      hostname: this.node,
      utcoffset: 0,
      pid: this.#pid,
      clock: ++this.#lamport,
      timestamp: this.#world.clock.now() / 1000,
      type,
    }
  }

  #sendWorkerEvent(type: 'worker-online' | 'worker-heartbeat' | 'worker-offline'): void {
    this.#flush()
    const busy = this.#running.size
    const load = (weight: number): number => Math.round((0.2 + busy * weight) * 100) / 100
    this.#world.publishEvents({
      ...this.#stamp(type),
      freq: HEARTBEAT_SECONDS,
      active: busy,
      processed: this.#processed,
      loadavg: [load(0.4), load(0.35), load(0.3)],
      ...SOFTWARE,
    })
  }

  #sendTaskEvent(type: string, fields: Record<string, unknown>): void {
    const event = { ...this.#stamp(type), ...fields }
    if (this.profile.pool === 'gevent') {
      this.#world.publishEvents(event)
      return
    }
    this.#events.push(event)
    if (this.#events.length >= BATCH_EVENTS) this.#flush()
    else this.#cancelFlush ??= this.#world.clock.after(FLUSH_MS, () => this.#flush())
  }

  #flush(): void {
    this.#cancelFlush?.()
    this.#cancelFlush = undefined
    if (this.#events.length === 0) return
    const events = this.#events
    this.#events = []
    this.#world.publishEvents(events)
  }
}
