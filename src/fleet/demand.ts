import { isPresent, isUncertain, type ViewTime, viewOf, type WorkerRecord } from './worker-record.ts'

/** What the workers that are there make of one queue; null where one of them did not say, or not lately. */
export interface Demand {
  /** Workers that consume it; those that did not say are left out when there are others. */
  consumers: number | null
  /** Pool slots of those, and how many of them are idle. A slot serves every queue of its worker. */
  slots: number | null
  freeSlots: number | null
  /** Tasks of the queue that workers prefetched and did not start, without those that wait for an ETA. */
  reserved: number | null
  running: number | null
}

type Field = keyof Demand

/**
 * What is asked of the workers, by queue. What a worker did not say makes unknown whatever it may add to: the queues it consumes,
 * or all when it did not say which these are.
 */
export class Demands {
  readonly #queues = new Map<string, Demand>()
  /** Fields in which some worker may count for any queue. */
  readonly #unknown = new Set<Field>()
  readonly #time: ViewTime

  /** Of all workers of a fleet, as they are known at that time. */
  constructor(workers: Iterable<WorkerRecord>, time: ViewTime) {
    this.#time = time
    for (const worker of workers) if (isPresent(worker)) this.#take(worker)
  }

  of(queue: string): Demand {
    const demand = { ...(this.#queues.get(queue) ?? NOTHING) }
    // Those that said that they consume it are enough to know that it is consumed.
    for (const field of this.#unknown)
      if (field !== 'consumers' || demand.consumers === 0) demand[field] = null
    return demand
  }

  #take(worker: WorkerRecord): void {
    const { life } = worker
    const { queues } = life
    const view = viewOf(worker, this.#time)
    const certain = !isUncertain(worker, this.#time)
    if (queues === null) this.#unknown.add('consumers').add('slots').add('freeSlots')
    for (const queue of queues ?? []) {
      this.#add(queue, 'consumers', 1)
      this.#add(queue, 'slots', view.concurrency)
      const idle =
        view.concurrency === null || view.active === null ? null : Math.max(0, view.concurrency - view.active)
      this.#add(queue, 'freeSlots', idle)
    }
    const { nowMs, freshMs } = this.#time
    const heldIsKnown = certain && (life.isDeafened || nowMs - life.reservedAtMs <= freshMs)
    this.#addEach(queues, 'reserved', heldIsKnown ? life.reservedByQueue : null)
    const runsAreKnown = certain && (life.isDeafened || nowMs - life.listedAtMs <= freshMs)
    this.#addEach(queues, 'running', runsAreKnown ? runsByQueue(life.runs) : null)
  }

  #addEach(queues: readonly string[] | null, field: Field, counts: ReadonlyMap<string, number> | null): void {
    for (const [queue, count] of counts ?? []) this.#add(queue, field, count)
    if (counts !== null) return
    if (queues === null) this.#unknown.add(field)
    for (const queue of queues ?? []) this.#add(queue, field, null)
  }

  #add(queue: string, field: Field, count: number | null): void {
    let demand = this.#queues.get(queue)
    if (demand === undefined) this.#queues.set(queue, (demand = { ...NOTHING }))
    const before = demand[field]
    demand[field] = before === null || count === null ? null : before + count
  }
}

const NOTHING: Readonly<Demand> = { consumers: 0, slots: 0, freeSlots: 0, reserved: 0, running: 0 }

/** null when the queue of one of them is not known. */
function runsByQueue(
  runs: Iterable<{ readonly task: { readonly queue: string } }>,
): ReadonlyMap<string, number> | null {
  const counts = new Map<string, number>()
  for (const { task } of runs) {
    if (task.queue === '') return null
    counts.set(task.queue, (counts.get(task.queue) ?? 0) + 1)
  }
  return counts
}
