import type { TaskEnvelope } from '../broker/index.ts'
import type { Clock, Log } from '../base/index.ts'
import type { HeldTask, OutgoingTask } from './messages.ts'
import type { TaskProfile } from './profile.ts'
import type { Random } from './random.ts'

/** How a run of a task ends when it is not disturbed. */
export type PlannedEnd =
  | { readonly kind: 'succeeded' }
  | { readonly kind: 'failed'; readonly exception: string; readonly message: string }
  | { readonly kind: 'retried'; readonly exception: string; readonly countdownSeconds: number }

/** Where every message that was published is now. `published` equals the sum of all others, always. */
export interface FleetCounts {
  /** Task messages put into the broker: sent by clients, by retries, and given back. */
  published: number
  /** In the broker, or on the way out of it. */
  waiting: number
  reserved: number
  scheduled: number
  running: number
  /** Taken by a worker that died; the broker gives them back after the visibility time-out. */
  unacked: number
  succeeded: number
  failed: number
  retried: number
  /** Running in a worker when it died, acknowledged early: gone, as in real life. */
  lost: number
  /** Given back to the broker; each counts as published once more. */
  returned: number
}

/** What a worker needs of the fleet around it. */
export interface World {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly counts: FleetCounts
  readonly tasks: ReadonlyMap<string, TaskProfile>
  /** Run time in seconds and end of one run, present incidents included. */
  plan(task: TaskProfile, retries: number): { readonly seconds: number; readonly end: PlannedEnd }
  /** Publishes events as one message; never rejects. */
  publishEvents(
    events: Readonly<Record<string, unknown>> | readonly Readonly<Record<string, unknown>>[],
  ): void
  /** Publishes a task and its `task-sent`; never rejects. */
  sendTask(task: OutgoingTask, pid: number): void
  /** Puts a message back as it was; never rejects. */
  giveBack(queue: string, envelope: TaskEnvelope, priority: number): void
  /** Takes a message; undefined when there is none or the broker does not answer. */
  take(queues: readonly string[]): Promise<HeldTask | undefined>
}
