import type { WorkerView } from '../fleet/index.ts'

/** A worker's running count of tasks against the task events that came from it. */
interface Mark {
  pid: number | null
  processed: number | null
  /** Tasks it counted since its last task event, and looks that found more of them. */
  silent: number
  rises: number
  /** Task events since the last look; of this process at all. */
  heard: boolean
  everHeard: boolean
  lost: number
}

/** What was seen of one worker beyond its view. */
export interface WorkerSeen {
  /** Tasks it counted while no task event came from it; null while it sends some, or did too little to tell. */
  readonly silentTasks: number | null
  /** Task runs it counted and no event told of. */
  readonly lostEvents: number
  /** Some came since it was first seen, and it has not fallen silent since. */
  readonly sendsTaskEvents: boolean
}

/** Looks that found more tasks and no event, before a worker is said to send none; more when it once did. */
const SILENT_RISES = 2
const SILENT_RISES_AFTER_EVENTS = 5

/** Follows every worker from look to look. Bounded by the workers that the fleet knows. */
export class WorkerMarks {
  readonly #marks = new Map<string, Mark>()

  /** A task event came from it. */
  heard(worker: string): void {
    const mark = this.#marks.get(worker)
    if (mark !== undefined) mark.heard = true
  }

  lost(worker: string, count: number): void {
    const mark = this.#marks.get(worker)
    if (mark !== undefined) mark.lost += count
  }

  look(workers: readonly WorkerView[]): void {
    const present = new Set<string>()
    for (const view of workers) {
      if (view.state === 'stopped' || view.state === 'vanished') continue
      present.add(view.worker)
      const mark = this.#marks.get(view.worker)
      if (mark === undefined) this.#marks.set(view.worker, newMark(view))
      else compare(mark, view)
    }
    for (const name of this.#marks.keys()) if (!present.has(name)) this.#marks.delete(name)
  }

  seen(worker: string): WorkerSeen | undefined {
    const mark = this.#marks.get(worker)
    if (mark === undefined) return undefined
    const silent = mark.rises >= (mark.everHeard ? SILENT_RISES_AFTER_EVENTS : SILENT_RISES)
    return {
      silentTasks: silent ? mark.silent : null,
      lostEvents: mark.lost,
      sendsTaskEvents: (mark.everHeard || mark.heard) && !silent,
    }
  }

  clear(): void {
    this.#marks.clear()
  }
}

const newMark = (view: WorkerView): Mark => ({
  pid: view.pid,
  processed: view.processedTotal,
  silent: 0,
  rises: 0,
  heard: false,
  everHeard: false,
  lost: 0,
})

function compare(mark: Mark, { pid, processedTotal }: WorkerView): void {
  const changed = pid !== null && mark.pid !== null && pid !== mark.pid
  const fell = processedTotal !== null && mark.processed !== null && processedTotal < mark.processed
  if (changed || fell) mark.everHeard = false
  if (mark.heard) mark.everHeard = true
  if (changed || fell || mark.heard) {
    mark.silent = 0
    mark.rises = 0
  } else if (processedTotal !== null && mark.processed !== null && processedTotal > mark.processed) {
    mark.rises++
    mark.silent += processedTotal - mark.processed
  }
  mark.heard = false
  mark.pid = pid ?? mark.pid
  mark.processed = processedTotal ?? mark.processed
}
