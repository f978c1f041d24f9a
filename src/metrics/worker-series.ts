import type { FleetChange } from '../fleet/index.ts'
import type { Family } from './family.ts'
import type { Scalar } from './series.ts'

/** The families that count what happens to workers. */
export interface WorkerFamilies {
  readonly vanished: Family<Scalar>
  readonly eventsLost: Family<Scalar>
}

type WorkerChange = Extract<FleetChange, { kind: 'worker' | 'events-lost' }>

/** Counts what happens to workers. A series that bears a worker's name leaves when the fleet has forgotten the worker. */
export class WorkerRecorder {
  readonly #families: WorkerFamilies
  /** By broker: the workers that have a series. */
  readonly #named = new Map<string, Set<string>>()

  constructor(families: WorkerFamilies) {
    this.#families = families
  }

  record(broker: string, change: WorkerChange): void {
    if (change.kind === 'events-lost') {
      const series = this.#families.eventsLost.series([broker, change.worker], true)
      if (series === undefined) return
      series.value += change.count
      const named = this.#named.get(broker)
      if (named === undefined) this.#named.set(broker, new Set([change.worker]))
      else named.add(change.worker)
    } else if (change.to === 'vanished') {
      const series = this.#families.vanished.series([broker], true)
      if (series !== undefined) series.value++
    }
  }

  /** Nobody can vanish unseen while we watch: the counter is 0 from the start. */
  watched(broker: string): void {
    this.#families.vanished.series([broker], true)
  }

  /** Forgets all workers of a broker but these. */
  keep(broker: string, workers: ReadonlySet<string>): void {
    const named = this.#named.get(broker)
    if (named === undefined) return
    for (const worker of named) {
      if (workers.has(worker)) continue
      named.delete(worker)
      this.#families.eventsLost.remove([broker, worker])
    }
    if (named.size === 0) this.#named.delete(broker)
  }
}
