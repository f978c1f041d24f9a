import type { FleetChange } from '../fleet/index.ts'
import type { Family } from './family.ts'
import type { Histogram, Scalar } from './series.ts'
import type { WorkerRecorder } from './worker-series.ts'

/** The families that count tasks. */
export interface TaskFamilies {
  readonly sent: Family<Scalar>
  readonly received: Family<Scalar>
  readonly started: Family<Scalar>
  readonly succeeded: Family<Scalar>
  readonly failed: Family<Scalar>
  readonly retried: Family<Scalar>
  readonly rejected: Family<Scalar>
  readonly revoked: Family<Scalar>
  readonly redelivered: Family<Scalar>
  readonly orphaned: Family<Scalar>
  readonly runtime: Family<Histogram>
  readonly wait: Family<Histogram>
}

type Counter = Exclude<keyof TaskFamilies, 'runtime' | 'wait'>

/**
 * The series of one task on one queue. As soon as the task was seen in a worker, the counters of success and of retries exist and
 * are 0: a ratio of failures has its other half from the start, even when everything fails (guide-flaw 8).
 */
class TaskSeries {
  readonly #families: TaskFamilies
  readonly #values: readonly [broker: string, task: string, queue: string]
  readonly #counters = new Map<Counter, Scalar>()
  readonly #failures = new Map<string, Scalar>()
  #runtime: Histogram | undefined
  #wait: Histogram | undefined
  #ran = false

  constructor(families: TaskFamilies, broker: string, task: string, queue: string) {
    this.#families = families
    this.#values = [broker, task, queue]
  }

  /** False when nothing could be made of it because of the caps: then it is not worth remembering. */
  get exists(): boolean {
    return this.#counters.size + this.#failures.size > 0 || this.#wait !== undefined
  }

  count(change: Extract<FleetChange, { kind: 'task' }>): void {
    const { event } = change
    if (event === 'failed') this.#failure(change.exception ?? 'unknown')
    else this.countOne(event)
    if (event !== 'sent' && !this.#ran) {
      this.#ran = true
      this.#counter('succeeded')
      this.#counter('retried')
    }
    if (change.waitSeconds !== undefined) this.observeWait(change.waitSeconds)
    if (change.runtimeSeconds !== undefined) {
      this.#runtime ??= this.#families.runtime.series(this.#values, true)
      this.#runtime?.observe(change.runtimeSeconds)
    }
  }

  countOne(counter: Exclude<Counter, 'failed'>): void {
    const series = this.#counter(counter)
    if (series !== undefined) series.value++
  }

  observeWait(seconds: number): void {
    this.#wait ??= this.#families.wait.series(this.#values, true)
    this.#wait?.observe(seconds)
  }

  #counter(event: Exclude<Counter, 'failed'>): Scalar | undefined {
    const known = this.#counters.get(event)
    if (known !== undefined) return known
    const made = this.#families[event].series(this.#values, true)
    if (made !== undefined) this.#counters.set(event, made)
    return made
  }

  #failure(exception: string): void {
    let series = this.#failures.get(exception)
    if (series === undefined) {
      series = this.#families.failed.series([...this.#values, exception], true)
      if (series === undefined) return
      this.#failures.set(exception, series)
    }
    series.value++
  }
}

/** Counts changes. Finds the series of a task's change without making anything when they exist: the hot path of the program. */
export class TaskRecorder {
  readonly #families: TaskFamilies
  readonly #workers: WorkerRecorder
  readonly #brokers = new Map<string, Map<string, Map<string, TaskSeries>>>()

  constructor(families: TaskFamilies, workers: WorkerRecorder) {
    this.#families = families
    this.#workers = workers
  }

  record(broker: string, changes: readonly FleetChange[]): void {
    let tasks = this.#brokers.get(broker)
    if (tasks === undefined) this.#brokers.set(broker, (tasks = new Map()))
    // Events of one task come in runs; names are interned, so that comparing them compares pointers.
    let task = ''
    let queue = ''
    let last: TaskSeries | undefined
    for (const change of changes) {
      if (change.kind === 'worker' || change.kind === 'events-lost') {
        this.#workers.record(broker, change)
        continue
      }
      let series = last
      if (series === undefined || change.task !== task || change.queue !== queue) {
        task = change.task
        queue = change.queue
        series = tasks.get(task)?.get(queue) ?? new TaskSeries(this.#families, broker, task, queue)
        last = series
      }
      const remembered = series.exists
      if (change.kind === 'task') series.count(change)
      else if (change.kind === 'wait') series.observeWait(change.waitSeconds)
      else series.countOne(change.kind)
      if (!remembered && series.exists) remember(tasks, task, queue, series)
    }
  }
}

function remember(
  tasks: Map<string, Map<string, TaskSeries>>,
  task: string,
  queue: string,
  series: TaskSeries,
): void {
  let queues = tasks.get(task)
  if (queues === undefined) tasks.set(task, (queues = new Map()))
  queues.set(queue, series)
}
