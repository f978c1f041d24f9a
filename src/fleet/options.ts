import { MINUTE, SECOND } from '../base/index.ts'

const MEBIBYTE = 1024 * 1024

/** What a fleet may be told at its making; everything has a default. */
export interface FleetOptions {
  /** The configured name of the broker: the `broker` label. Default `default`. */
  readonly broker?: string
  /** Queues to watch even when nobody ever names them. */
  readonly queues?: readonly string[]
  /** Silence after which a worker has vanished. Default 30 s. */
  readonly workerTimeoutMs?: number
  /** How long a worker that vanished or stopped is still told about. Default 600 s. */
  readonly forgetWorkerMs?: number
  /** How often queues and server are read; a reading older than three of these is no longer told. Default 5 s. */
  readonly collectIntervalMs?: number
  /** How often workers are asked; an answer older than three of these is no longer told. Default 15 s. */
  readonly inspectIntervalMs?: number
  /** Tasks joined at the same time. Default 250,000. */
  readonly maxTasks?: number
  /** Default 5,000. */
  readonly maxWorkers?: number
  /** Default 2,000. */
  readonly maxQueues?: number
  /** Bytes for all that is kept, as `budget.ts` estimates them: when they are used up, the oldest tasks go. Default 256 MiB. */
  readonly maxBytes?: number
}

/** Options with every default filled in, and the constants that nobody needs to set. */
export interface FleetSettings extends Required<FleetOptions> {
  /**
   * How long a task event whose queue or name is not known yet waits for the `task-sent` that brings it: a client publishes the
   * event after the task, so a fast worker's `task-received` often overtakes it by a millisecond or two.
   */
  readonly holdMs: number
  /** How long an ended task is remembered, so that a late `task-sent` or a second end is still joined to it. */
  readonly lingerMs: number
  /** A worker's goodbye that took this much longer than its last event is not taken for one (celery-wire.md section 13). */
  readonly lateGoodbyeMs: number
  /** Queues nobody names any more are forgotten after this. */
  readonly forgetQueueMs: number
  /**
   * How long an unfinished task whose worker is gone may still be delivered again: twice the hour after which Redis does so by
   * default (kombu `transport/redis.py`, `visibility_timeout`). Then it is forgotten.
   */
  readonly forgetTaskMs: number
}

/** Fills in defaults. Throws a RangeError for a bound or time that is no positive number. */
export function fleetSettings(options: FleetOptions): FleetSettings {
  const settings: FleetSettings = {
    broker: options.broker ?? 'default',
    queues: options.queues ?? [],
    workerTimeoutMs: options.workerTimeoutMs ?? 30 * SECOND,
    forgetWorkerMs: options.forgetWorkerMs ?? 10 * MINUTE,
    collectIntervalMs: options.collectIntervalMs ?? 5 * SECOND,
    inspectIntervalMs: options.inspectIntervalMs ?? 15 * SECOND,
    maxTasks: options.maxTasks ?? 250_000,
    maxWorkers: options.maxWorkers ?? 5_000,
    maxQueues: options.maxQueues ?? 2_000,
    maxBytes: options.maxBytes ?? 256 * MEBIBYTE,
    holdMs: SECOND,
    lingerMs: 10 * SECOND,
    lateGoodbyeMs: 5 * SECOND,
    forgetQueueMs: 60 * MINUTE,
    forgetTaskMs: 120 * MINUTE,
  }
  for (const [name, value] of Object.entries(settings))
    if (typeof value === 'number' && !(value >= 1))
      throw new RangeError(`${name} must be at least 1, got ${value}`)
  return settings
}
