import type { WorkerView } from '../fleet/index.ts'

/** A worker that holds tasks it cannot run, beside others with nothing to do. */
export interface Hoarding {
  readonly worker: string
  readonly reserved: number
  readonly idle: readonly string[]
  readonly queue: string
  readonly sinceMs: number
}

/**
 * Of two workers on one queue, one holds tasks that wait for its full pool, and the other has nothing to do: told with the time
 * since when every look found it so.
 */
export function findHoarding(
  workers: readonly WorkerView[],
  before: ReadonlyMap<string, Hoarding>,
  atMs: number,
): ReadonlyMap<string, Hoarding> {
  const found = new Map<string, Hoarding>()
  const idle = new Map<string, string[]>()
  const up = workers.filter(worker => worker.state === 'up')
  for (const worker of up) {
    if (worker.active !== 0 || worker.reserved !== 0 || worker.scheduled !== 0) continue
    for (const queue of worker.queues ?? []) {
      const names = idle.get(queue)
      if (names === undefined) idle.set(queue, [worker.worker])
      else names.push(worker.worker)
    }
  }
  if (idle.size === 0) return found
  for (const { worker, queues, reserved, active, concurrency } of up) {
    if (reserved === null || reserved === 0 || active === null || concurrency === null) continue
    if (active < concurrency) continue
    const queue = queues?.find(each => idle.has(each))
    if (queue === undefined) continue
    const sinceMs = before.get(worker)?.sinceMs ?? atMs
    found.set(worker, { worker, reserved, idle: idle.get(queue) ?? [], queue, sinceMs })
  }
  return found
}
