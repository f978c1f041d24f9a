import type { RedeliveriesView } from './contract.ts'
import { namesOf } from './running.ts'
import type { TaskRecord } from './task-record.ts'

/**
 * Tasks that the broker delivered again, until they are finished. A delivery counts as another one when the same run was received
 * before and was not sent again since: neither by a retry, which has a number of its own, nor by somebody who used the id twice.
 */
export class Redeliveries {
  readonly #tasks = new Set<TaskRecord>()

  /** It was received as the run numbered `retries`, under `name`; true when that is a redelivery. */
  received(task: TaskRecord, retries: number, name: string): boolean {
    // Without task-sent two things look alike: one that replaced itself (Celery `Task.replace`) has another name, and one that is
    // over was rather sent again.
    const sentAgain = !task.sentNamed && (task.name !== name || task.stage === 'done')
    const again = retries === task.receivedRetries && !sentAgain
    task.receivedRetries = retries
    if (again) {
      task.redeliveries++
      this.#tasks.add(task)
    }
    return again
  }

  /** Finished, or forgotten. */
  ended(task: TaskRecord): void {
    if (task.redeliveries > 0) this.#tasks.delete(task)
  }

  /** Of each task and queue the most redeliveries of one unfinished task. */
  views(): readonly RedeliveriesView[] {
    const most = new Map<string, Map<string, TaskRecord>>()
    for (const task of this.#tasks) {
      let queues = most.get(task.name)
      if (queues === undefined) most.set(task.name, (queues = new Map()))
      const known = queues.get(task.queue)
      if (known === undefined || task.redeliveries > known.redeliveries) queues.set(task.queue, task)
    }
    return [...most.values()].flatMap(queues =>
      Array.from(queues.values(), task => ({ ...namesOf(task), most: task.redeliveries, id: task.uuid })),
    )
  }
}
