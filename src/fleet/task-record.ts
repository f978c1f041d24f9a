import type { FleetChange, TaskEventKind } from './contract.ts'
import type { Run } from './run.ts'
import type { Line, Waiter } from './waiting.ts'

/** What stands for a name or a queue that was never seen. */
export const UNKNOWN = 'unknown'

/** A change not yet told, because its task's name or queue may still arrive. */
export type TaskChange = { -readonly [K in keyof TaskChangeTold]: TaskChangeTold[K] }
type TaskChangeTold = Extract<FleetChange, { kind: 'task' }>

/** Every change that is told only once name and queue are known or given up. */
export type HeldChange = TaskChange | { -readonly [K in keyof Redelivered]: Redelivered[K] }
type Redelivered = Extract<FleetChange, { kind: 'redelivered' }>

/** Where a task stands: `waiting` for a run (sent, received, to be retried), `running`, or `done`, and then soon forgotten. */
export type TaskStage = 'waiting' | 'running' | 'done'

/** A `task-sent` of a task: see the fields of the same names. */
export interface Publication {
  readonly sentRetries: number
  readonly readyMs: number
  readonly waitingSinceMs: number
}

/**
 * One task, joined by uuid. A task runs once, or again after a retry; each run has its own `retries` number, by which the
 * newest `task-sent` and the run are matched. -1 and NaN stand for "not known".
 */
export class TaskRecord implements Waiter<TaskRecord> {
  readonly uuid: string
  stage: TaskStage = 'waiting'
  /** '' until a `task-sent`, a `task-received` or an answer of a worker brought it. */
  name = ''
  /** '' until it is known. */
  queue = ''
  /** True once a `task-sent` gave the name, which a shadow name must not replace. */
  sentNamed = false

  /** The newest `task-sent`: its `retries`, and when the task was ready to run: its time (sender's clock, ms), or its ETA if later. */
  sentRetries = -1
  readyMs = Number.NaN

  /** The publication before the newest, while the start of its run is still to come: a retry's may overtake that. */
  unstarted: Publication | undefined = undefined

  /** The newest run. */
  runRetries = -1
  /** Runs that another worker overtook: their `task-retried` is still to come. */
  overtakenRuns = 0
  /** Who received it; '' when nobody was seen to. */
  worker = ''
  /** When it started, until its wait was told: by the worker's clock, or by ours when that one is wrong. */
  startedMs = Number.NaN
  /** One publication has at most one wait: a redelivered task started twice, but was published once. */
  waitTold = false

  /** `retries` of its newest receipt, unless it was sent again since: a second one like it is a redelivery. */
  receivedRetries = -1
  /** How often the broker delivered it again. */
  redeliveries = 0
  /** Rounds of questions in which it was last received, and last listed as held by a worker. */
  receivedRound = 0
  heldRound = 0
  /** Where it runs, from its start to its end. */
  run: Run<TaskRecord> | undefined = undefined

  held: HeldChange[] | undefined = undefined
  /** True once held changes were told as they were: later ones are not held again. */
  heldInVain = false

  /** Its run failed by its time limit and was not begun again since: Celery 5.7 says so twice. */
  timedOut = false
  /** How many entries of the list of ended tasks stand for it: it may end, come back to life, and end again. */
  endings = 0
  /** True while only answers of workers named it, and no event. */
  adopted = false

  /** When it was ready to run on our clock: arrival of its newest `task-sent`, or its ETA if later. */
  waitingSinceMs = Number.NaN
  line: Line<TaskRecord> | undefined = undefined
  before: TaskRecord | undefined = undefined
  after: TaskRecord | undefined = undefined
  heapIndex = -1

  constructor(uuid: string) {
    this.uuid = uuid
  }
}

/** A change whose name and queue are filled in when it is told. */
export const taskChange = (event: TaskEventKind, worker: string): TaskChange => ({
  kind: 'task',
  event,
  task: UNKNOWN,
  queue: UNKNOWN,
  worker,
})
