import { MINUTE } from '../base/index.ts'
import type { TaskRecord } from './task-record.ts'
import type { InspectionRounds } from './unseen-starts.ts'
import type { WorkerLife } from './worker-life.ts'

/** So many records a second are looked at: a full table is gone through in two minutes, and no tick takes long. */
const LOOKED_AT = 2000

/** So many times longer: a backlog of a day. */
const QUEUED = 12

/** What the fleet knows of who may still hold a task. */
export interface Holders {
  readonly rounds: InspectionRounds
  /** The process behind the name of a worker that is there. */
  presentLife(worker: string): WorkerLife | undefined
}

/**
 * Finds unfinished tasks that nobody holds any more: what a worker received or ran that is gone since, and what its worker does not
 * list any more although its end was never seen. They may be delivered again for a while; after that they are forgotten, so that
 * a fleet whose workers come and go leaves nothing behind. A task that waits in its queue is nobody's, however long it waits.
 */
export class AbandonedTasks {
  readonly #holders: Holders
  readonly #forgetMs: number
  #rest: Iterator<TaskRecord> | undefined

  constructor(holders: Holders, forgetMs: number) {
    this.#holders = holders
    this.#forgetMs = forgetMs
  }

  /** Looks at the next records; calls `forget` for those that were abandoned long enough ago. */
  sweep(records: ReadonlyMap<string, TaskRecord>, nowMs: number, forget: (task: TaskRecord) => void): void {
    this.#rest ??= records.values()
    for (let i = 0; i < LOOKED_AT; i++) {
      const { done, value: task } = this.#rest.next() as IteratorResult<TaskRecord, undefined>
      if (done === true || task === undefined) {
        this.#rest = undefined
        return
      }
      if (!this.#isAbandoned(task, nowMs)) task.abandonedMinute = 0
      else if (task.abandonedMinute === 0) task.abandonedMinute = Math.floor(nowMs / MINUTE)
      else if (nowMs - task.abandonedMinute * MINUTE >= this.#patienceMs(task)) forget(task)
    }
  }

  /** What was sent and never received may lie in its queue for all we know, as after an outage in which we heard nothing. */
  #patienceMs(task: TaskRecord): number {
    const mayBeQueued = task.stage === 'waiting' && task.worker === '' && !Number.isNaN(task.waitingSinceMs)
    return mayBeQueued ? QUEUED * this.#forgetMs : this.#forgetMs
  }

  #isAbandoned(task: TaskRecord, nowMs: number): boolean {
    // Those have a deadline of their own.
    if (task.stage === 'done' || task.adopted) return false
    if (task.stage === 'running') return task.run === undefined || task.run.isLost
    const isStanding = task.line !== undefined || task.heapIndex !== -1
    if (task.worker === '') return !isStanding
    const life = this.#holders.presentLife(task.worker)
    if (life === undefined) return !(task.waitingSinceMs > nowMs)
    const { rounds } = this.#holders
    return life.fullRounds >= 2 && rounds.isPast(task.heldRound) && rounds.isPast(task.receivedRound)
  }
}
