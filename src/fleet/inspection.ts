import { SECOND } from '../base/index.ts'
import type { InspectMethod, Reading } from './contract.ts'
import type { Presence } from './presence.ts'
import type { QueueTable } from './queues.ts'
import type { TaskRecord } from './task-record.ts'
import type { TaskTable } from './tasks.ts'
import type { InspectionRounds } from './unseen-starts.ts'
import { isPresent } from './worker-record.ts'
import type { HeldReply, WorkerTable } from './workers.ts'

type InspectReading = Extract<Reading, { kind: 'inspect' }>

/** What the answers of workers are told to. */
export interface Inspected {
  readonly workers: WorkerTable
  readonly tasks: TaskTable
  readonly queues: QueueTable
  readonly presence: Presence
  readonly rounds: InspectionRounds
}

/** Takes in the answers of workers. Events tell more and sooner, but may be lost: what answers say of the present stands. */
export class Inspection {
  readonly #to: Inspected
  readonly #intervalMs: number
  /** When the last question of the round before went out. */
  #roundAskedAtMs = Number.NEGATIVE_INFINITY

  constructor(to: Inspected, intervalMs: number) {
    this.#to = to
    this.#intervalMs = intervalMs
  }

  answered({ method, replies, askedAtMs: asked }: InspectReading, atMs: number): void {
    const { workers, tasks, queues, presence } = this.#to
    const askedAtMs = asked ?? atMs - SECOND
    for (const [name, value] of replies) {
      presence.met(name)
      const held = workers.applyReply(name, method, value, askedAtMs, atMs)
      if (held !== undefined) this.#holds(held, method, askedAtMs, atMs)
    }
    if (method === 'ping' || method === 'stats') presence.roundEnded(askedAtMs, replies.size, atMs)
    if (method === 'active') tasks.forgetAdopted(atMs - 4 * this.#intervalMs)
    if (method === 'scheduled') this.#roundEnded(askedAtMs)
    if (method === 'stats' || method === 'active_queues') workers.asked(method, replies, askedAtMs)
    if (method !== 'active_queues') return
    for (const worker of workers.all())
      if (isPresent(worker)) for (const queue of worker.life.queues ?? []) queues.know(queue, atMs)
  }

  /** A worker said which tasks it holds. */
  #holds({ life, requests, count }: HeldReply, method: InspectMethod, askedAtMs: number, atMs: number): void {
    const { tasks, rounds } = this.#to
    const listed = new Set<TaskRecord>()
    const queues: string[] = []
    for (const { id, name, routingKey, timeStart } of requests) {
      const queue = routingKey === '' ? life.onlyQueue : (life.routes.get(routingKey) ?? routingKey)
      const task = tasks.adopt(id, name, queue, atMs)
      queues.push(task === undefined || task.queue === '' ? queue : task.queue)
      if (task === undefined) continue
      task.heldRound = rounds.now
      listed.add(task)
      if (method === 'active')
        tasks.listedActive(task, life, timeStart * 1000 + (life.clock.medianMs || 0), askedAtMs)
    }
    // What could not be read may be any of them.
    const complete = requests.length === count
    if (method === 'reserved') life.reservedByQueue = complete ? countEach(queues) : null
    if (method !== 'active' || !complete) return
    life.listedAtMs = askedAtMs
    tasks.endUnlisted(life, listed, askedAtMs, atMs)
  }

  /** The last question of a round was answered, or not. */
  #roundEnded(askedAtMs: number): void {
    const { workers, queues, rounds } = this.#to
    let allSaid = true
    for (const worker of workers.all()) {
      if (!isPresent(worker)) continue
      const { life } = worker
      const said = life.scheduledAtMs >= askedAtMs && life.reservedAtMs >= this.#roundAskedAtMs
      life.fullRounds = said ? life.fullRounds + 1 : 0
      allSaid &&= life.fullRounds >= 2
    }
    queues.roundEnded(rounds, worker => workers.presentLife(worker), allSaid)
    rounds.next()
    this.#roundAskedAtMs = askedAtMs
  }
}

/** How often each comes; null when one is '', which is not known. */
function countEach(queues: readonly string[]): ReadonlyMap<string, number> | null {
  const counts = new Map<string, number>()
  for (const queue of queues) {
    if (queue === '') return null
    counts.set(queue, (counts.get(queue) ?? 0) + 1)
  }
  return counts
}
