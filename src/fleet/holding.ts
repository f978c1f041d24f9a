import type { FleetChange } from './contract.ts'
import { Deadlines } from './deadlines.ts'
import { type HeldChange, type TaskRecord, UNKNOWN } from './task-record.ts'

/**
 * Tells changes of tasks, each once its task's name and queue are known. A client publishes `task-sent` after the task, so a fast
 * worker's events often overtake it; what lacks name or queue is held for a moment, then told as it is. Changes of one task stay in
 * order.
 */
export class HeldChanges {
  readonly #holdMs: number
  readonly #tell: (change: FleetChange) => void
  readonly #holds = new Deadlines<TaskRecord>()
  /** False once changes were held in vain and nobody ever sent a `task-sent`: then nothing is worth waiting for. */
  #sentExpected = true

  constructor(holdMs: number, tell: (change: FleetChange) => void) {
    this.#holdMs = holdMs
    this.#tell = tell
  }

  sentSeen(): void {
    this.#sentExpected = true
  }

  due(nowMs: number): boolean {
    return this.#holds.due(nowMs)
  }

  /** Tells what was held long enough. `anySent`: whether any `task-sent` was ever seen. */
  tick(nowMs: number, anySent: boolean): void {
    for (let task = this.#holds.take(nowMs); task !== undefined; task = this.#holds.take(nowMs)) {
      if (task.held === undefined) continue
      if (!anySent) this.#sentExpected = false
      task.heldInVain = true
      this.release(task)
    }
  }

  /** Tells a change, or holds it. `urgent`: it can bring no better name or queue than it has, nor wait for one. */
  tell(task: TaskRecord, change: HeldChange, urgent: boolean, atMs: number): void {
    const complete = task.queue !== '' && task.name !== ''
    if (task.held !== undefined) {
      task.held.push(change)
      if (complete) this.release(task)
    } else if (complete || urgent || task.heldInVain || !this.#sentExpected) this.#pass(task, change)
    else {
      task.held = [change]
      this.#holds.add(task, atMs + this.#holdMs)
    }
  }

  /** Name or queue became known: what waited for them may go. */
  named(task: TaskRecord): void {
    if (task.held !== undefined && task.queue !== '' && task.name !== '') this.release(task)
  }

  /** Tells what is held of a task, whatever is known. */
  release(task: TaskRecord): void {
    const { held } = task
    if (held === undefined) return
    task.held = undefined
    for (const change of held) this.#pass(task, change)
  }

  #pass(task: TaskRecord, change: HeldChange): void {
    if (task.name !== '') change.task = task.name
    // That of its own run may be known already.
    if (task.queue !== '' && change.queue === UNKNOWN) change.queue = task.queue
    this.#tell(change)
  }
}
