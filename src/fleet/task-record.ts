import type { Attempt, Attempts } from './attempts.ts'
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

/**
 * One task, joined by uuid. Of a task that runs once, as most do, the record itself holds what is known of that run; as soon as a
 * second run or a second delivery is heard of, `attempts` does. NaN and '' stand for "not known".
 */
export class TaskRecord implements Attempt, Waiter<TaskRecord> {
  readonly uuid: string
  stage: TaskStage = 'waiting'
  /** '' until a `task-sent`, a `task-received` or an answer of a worker brought it. */
  name = ''
  /** '' until it is known. */
  queue = ''
  /** True once a `task-sent` gave the name, which a shadow name must not replace. */
  sentNamed = false

  /** Of its first run, as long as there is no other: see `Attempt`. */
  readyMs = Number.NaN
  startedMs = Number.NaN
  told = false
  /** Its runs, once it was retried or delivered again; what the record says of its first run is then no longer kept. */
  attempts: Attempts | undefined = undefined

  /** Who received its newest run; '' when nobody was seen to. */
  worker = ''

  /** `retries` of its newest receipt, unless it was sent again since: a second one like it is a redelivery. */
  receivedRetries = -1
  /** How often the broker delivered it again. */
  redeliveries = 0
  /** Rounds of questions in which its newest run was last received (0: never), and last listed as held by a worker. */
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
  /** Since which minute nobody was seen to hold it, unfinished as it is; 0 while somebody does. */
  abandonedMinute = 0
  /** True once the bytes of `attempts` were counted. */
  attemptsCounted = false
  /** True while only answers of workers named it, and no event. */
  adopted = false

  /** When its newest run was ready on our clock: arrival of its `task-sent`, or its ETA if later. */
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
