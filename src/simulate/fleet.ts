import { type Clock, errorText, type Log } from '../base/index.ts'
import type { FleetLink, ReceivedControl, TaskEnvelope } from '../broker/index.ts'
import { describeIncident, type Incident, INCIDENT_KINDS, planIncident } from './incident.ts'
import { LoadNoise, tasksPerSecondAt } from './load.ts'
import { type HeldTask, type OutgoingTask, readTask, sentEvent, taskEnvelope } from './messages.ts'
import { type FleetProfile, queuesOf, type TaskProfile } from './profile.ts'
import {
  between,
  exponentialSeconds,
  integerBetween,
  logNormal,
  pickWeighted,
  type Random,
  uuid,
} from './random.ts'
import { Ticker } from './ticker.ts'
import { SimulatedWorker, type WorkerPhase } from './worker.ts'
import type { FleetCounts, PlannedEnd, World } from './world.ts'

/** Everything happens on this grid: coarse enough to be cheap, fine enough for run times of tens of milliseconds. */
const TICK_MS = 20
const MAX_CATCH_UP_MS = 1000
const NOISE_STEP_MS = 5000
/** Workers come up one after the other, as in a deployment. */
const START_SPREAD_MS = 1500
/** Clients stop sending to a queue that holds this many, so that nothing grows for ever when nobody consumes. */
const MAX_WAITING = 20_000
/** Publishes under way at once; above it (a broker that hangs) events are dropped, as a full socket would. */
const MAX_PENDING = 5000

export interface SimulatedFleetOptions {
  readonly link: FleetLink
  readonly clock: Clock
  readonly random: Random
  readonly profile: FleetProfile
  readonly log: Log
  /** Told when an incident begins and when it ends; left out, both are logged. */
  readonly onIncident?: (incident: Incident, phase: 'began' | 'ended') => void
}

export interface SimulatedFleetState {
  readonly running: boolean
  readonly incident: Incident | undefined
  /** A copy. */
  readonly counts: FleetCounts
  readonly workers: readonly {
    readonly node: string
    readonly phase: WorkerPhase
    readonly active: number
    readonly reserved: number
    readonly scheduled: number
    readonly processed: number
  }[]
}

export interface SimulatedFleet {
  /** Connects the link, declares the queues and brings the workers and clients to life. Rejects when the broker does not answer. */
  start(): Promise<void>
  /** Says goodbye for every worker, takes its own waiting tasks out of the broker again and closes the link. Never rejects. */
  stop(): Promise<void>
  readonly state: SimulatedFleetState
}

/**
 * A fleet of Celery clients and workers that is not real but speaks the real protocol through `link`. Its tasks do nothing but take
 * time. It never loses a message that is not its own: one it does not know is put back, and the queue is left alone from then on.
 */
export function createSimulatedFleet(options: SimulatedFleetOptions): SimulatedFleet {
  return new Fleet(options)
}

class Fleet implements SimulatedFleet, World {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly tasks: ReadonlyMap<string, TaskProfile>
  readonly counts: FleetCounts = {
    published: 0,
    waiting: 0,
    reserved: 0,
    scheduled: 0,
    running: 0,
    unacked: 0,
    succeeded: 0,
    failed: 0,
    retried: 0,
    lost: 0,
    returned: 0,
  }
  readonly #link: FleetLink
  readonly #profile: FleetProfile
  readonly #onIncident: (incident: Incident, phase: 'began' | 'ended') => void
  readonly #ticker: Ticker
  readonly #workers: readonly SimulatedWorker[]
  readonly #waitingByQueue = new Map<string, number>()
  readonly #noise: LoadNoise
  readonly #clients: readonly { readonly origin: string; readonly pid: number }[]
  readonly #foreign = new Set<string>()
  #incident: Incident | undefined
  #incidentsSoFar = 0
  #clientClock = 0
  #nextSendAtMs = 0
  #nextWorker = 0
  #pending = 0
  #failing = false
  #running = false

  constructor(options: SimulatedFleetOptions) {
    this.#link = options.link
    this.random = options.random
    this.log = options.log
    this.#profile = options.profile
    this.#onIncident =
      options.onIncident ??
      ((incident, phase) =>
        this.log.info(phase === 'began' ? describeIncident(incident) : 'The simulated incident is over.', {
          incident: incident.kind,
        }))
    this.#ticker = new Ticker(options.clock, TICK_MS)
    this.clock = this.#ticker
    this.tasks = new Map(options.profile.tasks.map(task => [task.name, task]))
    this.#noise = new LoadNoise(this.random)
    this.#workers = options.profile.workers.map(profile => new SimulatedWorker(profile, this))
    this.#clients = options.profile.clients.map(host => {
      const pid = integerBetween(this.random, 1000, 30_000)
      return { origin: `gen${pid}@${host}`, pid }
    })
  }

  get state(): SimulatedFleetState {
    return {
      running: this.#running,
      incident: this.#incident,
      counts: { ...this.counts },
      workers: this.#workers.map(worker => ({ node: worker.node, phase: worker.phase, ...worker.load })),
    }
  }

  async start(): Promise<void> {
    await this.#link.connect()
    for (const queue of queuesOf(this.#profile)) await this.#link.declareQueue(queue)
    this.#running = true
    await this.#link.onControl(request => this.#control(request))
    for (const worker of this.#workers) {
      this.clock.after(between(this.random, 0, START_SPREAD_MS), () => worker.start())
    }
    this.clock.after(NOISE_STEP_MS, () => this.#wander())
    this.#nextSendAtMs = this.clock.now()
    this.#scheduleClient()
    const { enabled, firstAfterMs } = this.#profile.incidents
    if (enabled) this.clock.after(firstAfterMs, () => this.#beginIncident())
    this.log.info('simulated fleet started', {
      workers: this.#workers.length,
      queues: queuesOf(this.#profile).length,
      tasks: this.tasks.size,
      tasksPerSecond: this.#profile.tasksPerSecond,
    })
  }

  async stop(): Promise<void> {
    if (!this.#running) return
    for (const worker of this.#workers) worker.sayGoodbye()
    this.#running = false
    this.#ticker.stop()
    try {
      await this.#drain()
      await this.#link.close()
    } catch (error) {
      this.log.warn('simulated fleet could not tidy up in the broker', { error: errorText(error) })
    }
  }

  plan(task: TaskProfile, retries: number): { seconds: number; end: PlannedEnd } {
    const { random } = this
    const incident = this.#incident
    const slow = incident?.kind === 'tasks-slow' && incident.queue === task.queue ? incident.factor : 1
    const seconds = Math.max(0.004, logNormal(random, task.medianSeconds, task.sigma) * slow)
    if (seconds > task.softLimitSeconds) {
      const end = { kind: 'failed', exception: 'SoftTimeLimitExceeded', message: '' } as const
      return { seconds: task.softLimitSeconds, end }
    }
    if (incident?.kind === 'task-fails' && incident.task === task.name && random() < incident.probability) {
      // What cannot be reached fails fast.
      const message = 'simulated: connection refused'
      return {
        seconds: Math.min(seconds, 0.05),
        end: { kind: 'failed', exception: incident.exception, message },
      }
    }
    const { retry, failure } = task
    if (retry !== undefined && retries < retry.max && random() < retry.probability) {
      const countdownSeconds = retry.countdownSeconds * 2 ** retries * between(random, 0.8, 1.2)
      return { seconds, end: { kind: 'retried', exception: retry.exception, countdownSeconds } }
    }
    if (random() < failure.probability) {
      return { seconds, end: { kind: 'failed', exception: failure.exception, message: 'simulated' } }
    }
    return { seconds, end: { kind: 'succeeded' } }
  }

  publishEvents(
    events: Readonly<Record<string, unknown>> | readonly Readonly<Record<string, unknown>>[],
  ): void {
    if (this.#pending < MAX_PENDING) void this.#watch(this.#link.publishEvents(events))
  }

  sendTask(task: OutgoingTask, pid: number): void {
    const envelope = taskEnvelope(task)
    this.#publish(task.queue, envelope, task.priority)
    // After the task, as Celery's clients do.
    this.publishEvents(
      sentEvent(task, envelope.headers['argsrepr'], pid, ++this.#clientClock, this.clock.now()),
    )
    this.#wakeOne(task.queue)
  }

  giveBack(queue: string, envelope: TaskEnvelope, priority: number): void {
    this.#publish(queue, envelope, priority)
    this.#wakeOne(queue)
  }

  async take(queues: readonly string[]): Promise<HeldTask | undefined> {
    let taken: Awaited<ReturnType<FleetLink['takeTask']>>
    try {
      taken = await this.#link.takeTask(queues)
    } catch (error) {
      this.#told(error)
      return undefined
    }
    this.#told(undefined)
    if (taken === undefined) return undefined
    const { queue } = taken
    const task = readTask(queue, taken.task)
    if (task === undefined || !this.tasks.has(task.name)) {
      this.#refuse(queue, taken.task)
      return undefined
    }
    this.#count(queue, -1)
    return task
  }

  #publish(queue: string, envelope: TaskEnvelope, priority: number): void {
    this.counts.published++
    this.#count(queue, 1)
    void this.#watch(this.#link.publishTask(queue, envelope, priority), () => {
      this.counts.published--
      this.#count(queue, -1)
    })
  }

  #count(queue: string, change: 1 | -1): void {
    this.counts.waiting += change
    this.#waitingByQueue.set(queue, (this.#waitingByQueue.get(queue) ?? 0) + change)
  }

  /** Follows a call to the broker to its end; a broker that went away is told once, and once when it is back. */
  async #watch(call: Promise<void>, undo?: () => void): Promise<void> {
    this.#pending++
    try {
      await call
      this.#told(undefined)
    } catch (error) {
      undo?.()
      this.#told(error)
    } finally {
      this.#pending--
    }
  }

  #told(error: unknown): void {
    if (error !== undefined && !this.#failing && this.#running) {
      this.#failing = true
      this.log.warn('simulated fleet cannot reach the broker', { error: errorText(error) })
    } else if (error === undefined && this.#failing) {
      this.#failing = false
      this.log.info('simulated fleet reaches the broker again')
    }
  }

  /** Somebody else's task: back it goes, and no simulated worker touches that queue again. */
  #refuse(queue: string, envelope: TaskEnvelope): void {
    const priority = envelope.properties['priority']
    void this.#watch(this.#link.publishTask(queue, envelope, typeof priority === 'number' ? priority : 0))
    for (const worker of this.#workers) worker.cancelConsumer(queue)
    if (this.#foreign.has(queue)) return
    this.#foreign.add(queue)
    this.log.error(
      'a queue holds tasks that are not simulated; they were left there and the queue is left alone',
      {
        queue,
      },
    )
  }

  #wakeOne(queue: string): void {
    // Round robin, as a broker serves its consumers; waking a worker without room does nothing.
    for (let step = 0; step < this.#workers.length; step++) {
      const index = (this.#nextWorker + step) % this.#workers.length
      const worker = this.#workers[index]
      if (worker?.wants(queue) === true) {
        this.#nextWorker = index + 1
        worker.wake()
        return
      }
    }
  }

  /** Clients send by chance; the time of the next one is kept beside the tick it falls into, so that ticks do not slow them down. */
  #scheduleClient(): void {
    const now = this.clock.now()
    // A process that was suspended must not make up for it all at once.
    this.#nextSendAtMs = Math.max(this.#nextSendAtMs, now - MAX_CATCH_UP_MS)
    while (this.#nextSendAtMs <= now) {
      this.#sendOne(pickWeighted(this.random, this.#profile.tasks, task => task.weight))
      const perSecond = tasksPerSecondAt(this.#profile, now, this.#noise)
      this.#nextSendAtMs += exponentialSeconds(this.random, perSecond) * 1000
    }
    this.clock.after(this.#nextSendAtMs - now, () => this.#scheduleClient())
  }

  #sendOne(task: TaskProfile): void {
    if ((this.#waitingByQueue.get(task.queue) ?? 0) >= MAX_WAITING || this.#pending >= MAX_PENDING) return
    if (this.#foreign.has(task.queue)) return
    const { random, clock } = this
    const client = this.#clients[integerBetween(random, 0, this.#clients.length - 1)]
    if (client === undefined) return
    const id = uuid(random)
    const { eta } = task
    const delayed = eta !== undefined && random() < eta.probability
    const priorities = task.priorities ?? [0]
    const number = integerBetween(random, 1, 99_999)
    this.sendTask(
      {
        id,
        name: task.name,
        queue: task.queue,
        priority: priorities[integerBetween(random, 0, priorities.length - 1)] ?? 0,
        retries: 0,
        etaMs: delayed ? clock.now() + between(random, eta.fromSeconds, eta.toSeconds) * 1000 : null,
        args: [number],
        rootId: id,
        parentId: null,
        origin: client.origin,
      },
      client.pid,
    )
  }

  #wander(): void {
    this.#noise.step()
    this.clock.after(NOISE_STEP_MS, () => this.#wander())
  }

  #control(request: ReceivedControl): void {
    if (!this.#running) return
    for (const worker of this.#workers) {
      if (worker.phase === 'down') continue
      if (request.destination !== null && !request.destination.includes(worker.node)) continue
      const value = worker.answer(request.method, request.arguments)
      if (value !== undefined && request.replyTo !== null)
        void this.#watch(this.#link.reply(request, worker.node, value))
    }
  }

  #beginIncident(): void {
    const turn = this.#incidentsSoFar++
    const kind = INCIDENT_KINDS[turn % INCIDENT_KINDS.length] ?? 'burst'
    const round = Math.floor(turn / INCIDENT_KINDS.length)
    const incident = planIncident(kind, round, this.#profile, this.random, this.clock.now())
    this.#incident = incident
    this.#onIncident(incident, 'began')
    switch (incident.kind) {
      case 'workers-die':
        for (const worker of this.#workers) if (incident.workers.includes(worker.node)) worker.die()
        break
      case 'burst': {
        const tasks = this.#profile.tasks.filter(task => task.queue === incident.queue)
        for (let sent = 0; sent < incident.messages; sent++) {
          this.#sendOne(pickWeighted(this.random, tasks, task => task.weight))
        }
        break
      }
      case 'worker-restarts':
        for (const worker of this.#workers) if (worker.node === incident.worker) worker.shutDown(() => {})
        break
      case 'task-fails':
      case 'tasks-slow':
        // `plan` looks at the incident of the moment.
        break
    }
    this.clock.after(incident.endsAtMs - incident.beganAtMs, () => this.#endIncident(incident))
  }

  #endIncident(incident: Incident): void {
    // A restarted worker that still ends its last task comes back when it has.
    const restarting = this.#workers.some(worker => worker.phase === 'stopping')
    if (restarting) {
      this.clock.after(1000, () => this.#endIncident(incident))
      return
    }
    this.#incident = undefined
    for (const worker of this.#workers) worker.start()
    this.#onIncident(incident, 'ended')
    this.clock.after(this.#profile.incidents.gapMs, () => this.#beginIncident())
  }

  /** Takes out what its clients sent and nobody ran; a queue with somebody else's tasks is left as it is. */
  async #drain(): Promise<void> {
    for (const queue of queuesOf(this.#profile)) {
      if (this.#foreign.has(queue)) continue
      while ((await this.take([queue])) !== undefined) this.counts.returned++
    }
  }
}
