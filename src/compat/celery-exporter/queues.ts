import type { QueueView, WorkerView } from '../../fleet/index.ts'

/** A queue as celery-exporter tells it; null is "not known". */
export interface QueueNumbers {
  readonly queue: string
  readonly length: number | null
  readonly workers: number | null
  /** Sum of the pool sizes of those workers, of whatever kind of pool. */
  readonly processes: number | null
}

/** What is told of the queues of one fleet. */
export function queueNumbers(queues: readonly QueueView[], workers: readonly WorkerView[]): QueueNumbers[] {
  const slots = new Map<string, number | null>()
  for (const { state, queues: consumed, concurrency } of workers) {
    if (state !== 'up' && state !== 'suspect') continue
    for (const queue of consumed ?? []) {
      const sum = slots.get(queue)
      slots.set(queue, sum === null || concurrency === null ? null : (sum ?? 0) + concurrency)
    }
  }
  return queues.map(({ queue, depth, consumers }) => {
    const sum = slots.get(queue)
    return {
      queue,
      length: depth,
      workers: consumers,
      processes: consumers === null ? null : sum === undefined ? 0 : sum,
    }
  })
}
