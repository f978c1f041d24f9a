import type { CeleryEvent } from '../celery/index.ts'

/** What a fleet is told besides events. Times beside a reading are our own clock's, epoch ms. */
export type Reading =
  /** The connection to the broker came or went. Losing it makes everything that rests on it unknown; `at` of a return starts a grace in which absence proves nothing. */
  | { readonly kind: 'broker-connected' }
  | { readonly kind: 'broker-lost' }
  /** A round of inspection ended. `method` is the control method; `replies` hold the value of each node that answered. */
  | {
      readonly kind: 'inspect'
      readonly method: InspectMethod
      readonly replies: ReadonlyMap<string, unknown>
      /** When the question went out; left out, a second before the round ended. An answer proves life at that time, not later. */
      readonly askedAtMs?: number
    }
  | { readonly kind: 'inspect-failed'; readonly method: InspectMethod }
  | { readonly kind: 'queues'; readonly queues: readonly QueueFacts[] }
  | { readonly kind: 'server'; readonly server: ServerState }

export type InspectMethod = 'ping' | 'stats' | 'active_queues' | 'active' | 'reserved' | 'scheduled'

/** Structurally the broker's QueueReading; null means "not said". */
export interface QueueFacts {
  readonly queue: string
  readonly depth: number
  readonly heads: readonly string[] | null
  readonly newest: readonly string[] | null
  readonly deliveredTotal: number | null
  readonly unacked: number | null
  readonly consumers: number | null
}

/** Structurally the broker's ServerReading. */
export interface ServerState {
  readonly version: string | null
  readonly memoryUsedBytes: number | null
  readonly memoryMaxBytes: number | null
  readonly connectedClients: number | null
  readonly maxClients: number | null
  readonly evictedKeysTotal: number | null
  readonly maxmemoryPolicy: string | null
  readonly roundTripSeconds: number
  readonly blockedConsumers: number | null
  readonly unacked: number | null
  readonly unackedOldestAgeSeconds: number | null
  readonly unackedOverdue: number | null
  readonly redeliveryTimeoutSeconds: number | null
  readonly alarms: readonly string[] | null
}

export type TaskEventKind =
  'sent' | 'received' | 'started' | 'succeeded' | 'failed' | 'retried' | 'rejected' | 'revoked'

/**
 * What happened, for whoever counts or tells. Changes of kind `task` come exactly one per task event, in order for each task (an
 * event whose queue is not known yet is held back for up to a second, because the client's `task-sent` often comes just after the
 * worker's `task-received`); a hard time limit, of which Celery 5.7 tells twice, is told once. `task` is `unknown` when the name was
 * never seen, `queue` is `unknown` when it cannot be known (never a guessed default).
 */
export type FleetChange =
  | {
      readonly kind: 'task'
      readonly event: TaskEventKind
      readonly task: string
      readonly queue: string
      /** Full node name of who sent the event; for `sent` the client's. */
      readonly worker: string
      /** Exception class, on `failed` only: `ValueError`; `unknown` when it could not be read. */
      readonly exception?: string
      /** On `succeeded`: seconds the task ran. */
      readonly runtimeSeconds?: number
      /** On `started`: seconds from publish (or ETA, if later) to start; left out when it cannot be known. */
      readonly waitSeconds?: number
    }
  | {
      /** The wait of a run whose `started` was told before its `task-sent` arrived. Counts no event. */
      readonly kind: 'wait'
      readonly task: string
      readonly queue: string
      /** Full node name of who ran it. */
      readonly worker: string
      readonly waitSeconds: number
    }
  | {
      /** Received again without a retry and without having been sent again. Counts no event. */
      readonly kind: 'redelivered'
      readonly task: string
      readonly queue: string
    }
  | {
      /** It had started on a worker that vanished, and was not finished since. */
      readonly kind: 'orphaned'
      readonly id: string
      readonly task: string
      readonly queue: string
      readonly worker: string
    }
  | {
      /** Runs that a worker counted and no event told of. */
      readonly kind: 'events-lost'
      readonly worker: string
      readonly count: number
    }
  | {
      readonly kind: 'worker'
      readonly worker: string
      readonly from: WorkerState | undefined
      readonly to: WorkerState
      readonly atMs: number
    }

/**
 * up: heard within the time-out. suspect: silent for more than 2 heartbeats. vanished: silent for the time-out, no goodbye.
 * stopped: said goodbye. A worker is forgotten some time after vanishing or stopping.
 */
export type WorkerState = 'up' | 'suspect' | 'vanished' | 'stopped'

/** One worker as known now; null means not known, never 0. */
export interface WorkerView {
  /** Full node name. */
  readonly worker: string
  readonly state: WorkerState
  /** Since when it is in that state. */
  readonly sinceMs: number
  readonly lastHeardMs: number
  readonly concurrency: number | null
  readonly active: number | null
  readonly reserved: number | null
  readonly scheduled: number | null
  readonly processedTotal: number | null
  /** Names of the queues it consumes; null until asked. */
  readonly queues: readonly string[] | null
  readonly pool: string | null
  readonly version: string | null
  readonly pid: number | null
  /** Processes of the pool, the parent not included; null when not said. */
  readonly pids: readonly number[] | null
  /** How often of late a process was heard again under this name after another had been; from 2 on several live under it. */
  readonly returns: number
  /** False: it is heard, and never beat although it had the time to; null until that is known. */
  readonly heartbeats: boolean | null
  /** See `celery_worker_consuming`; null when it cannot be known, as without remote control. */
  readonly consuming: boolean | null
  readonly prefetch: number | null
  /** Ours minus theirs, median of ten heartbeats; null before enough were heard. */
  readonly clockSkewSeconds: number | null
  /** Why: `none` when small; `timezone` when near a multiple of 15 minutes; `delayed` while it grows, as with a backlog of events; else `drift`. */
  readonly clockFault: ClockFault | null
  /** Not heard since the broker came back: `state` is the one of before, and whether it is there is not known. */
  readonly uncertain?: true
}

export type ClockFault = 'none' | 'drift' | 'timezone' | 'delayed'

export interface QueueView {
  readonly queue: string
  /** Waiting in the broker; null when unknown or too old. */
  readonly depth: number | null
  readonly depthAtMs: number | null
  /** Its consumers as the broker counts them, where it does (AMQP); else workers up that consume it, null when no worker was ever asked. */
  readonly consumers: number | null
  /** Age of the oldest task of this queue that was sent and not started, from events or from the broker's oldest message; null when unknown. */
  readonly oldestTaskAgeSeconds: number | null
  /** See the metrics of the same names; null when unknown. */
  readonly noProgressSeconds: number | null
  readonly unacked: number | null
  readonly reservedTasks: number | null
  readonly freeSlots: number | null
  readonly load: number | null
}

/** The longest-running task of one name. */
export interface RunningView {
  readonly task: string
  readonly oldestSeconds: number
  readonly id: string
  readonly worker: string
}

/** A task that had started on a worker that vanished, and that was neither finished nor delivered again since. */
export interface OrphanView {
  readonly id: string
  readonly task: string
  readonly queue: string
  readonly worker: string
  readonly startedMs: number
}

export interface RedeliveriesView {
  readonly task: string
  readonly queue: string
  /** Most redeliveries of one unfinished task, and which it is. */
  readonly most: number
  readonly id: string
}

export type SourceName = 'events' | 'inspect' | 'broker'

/** ok: fresh. stale: over 3 intervals old. blind: lost. waiting: nothing yet. */
export interface SourceView {
  readonly source: SourceName
  readonly state: 'ok' | 'stale' | 'blind' | 'waiting'
  readonly lastSuccessMs: number | null
  /** What is missing and the setting that brings it, for people; null when all is well. */
  readonly detail: string | null
}

export interface FleetTotals {
  /** Workers up; null while it cannot be known (before the first answer, broker lost, or in the grace after its return). */
  readonly workers: number | null
  readonly activeTasks: number | null
  readonly scheduledTasks: number | null
  readonly reservedTasks: number | null
  /** Sum of pool sizes of workers up; null unless known for all of them. */
  readonly poolSlots: number | null
}

/** Everything the program knows of one broker's fleet. Pure: time is an argument, memory is bounded. */
export interface Fleet {
  readonly broker: string
  apply(event: CeleryEvent, receivedAtMs: number): void
  observe(reading: Reading, atMs: number): void
  /** Lets time pass: workers become suspect and vanish, old ones are forgotten. */
  tick(nowMs: number): void
  /** Hands over the changes since the last call, in order, and forgets them. */
  drainChanges(): readonly FleetChange[]
  workers(nowMs: number): readonly WorkerView[]
  queues(nowMs: number): readonly QueueView[]
  totals(nowMs: number): FleetTotals
  sources(nowMs: number): readonly SourceView[]
  server(nowMs: number): ServerState | null
  /** The longest-running task of each name. */
  running(nowMs: number): readonly RunningView[]
  redeliveries(nowMs: number): readonly RedeliveriesView[]
  orphans(): readonly OrphanView[]
  /** Queues to ask the broker about: configured, seen in `task-sent`, consumed by a worker, discovered. Bounded. */
  knownQueues(): readonly string[]
  knowQueues(queues: Iterable<string>): void
  /** What is kept, in bytes, estimated; tasks are evicted when it exceeds `maxBytes`. */
  readonly bytes: number
  /** How many tasks, workers and queues were forgotten, or not taken in, because a bound of number, bytes or time was reached. */
  readonly evictions: { readonly tasks: number; readonly workers: number; readonly queues: number }
}
