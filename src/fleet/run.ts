/** A process that runs tasks. */
export interface Runner<T> {
  /** Full node name. */
  readonly worker: string
  readonly runs: Set<Run<T>>
  /** True while it is not there: vanished, stopped, or replaced and silent. */
  gone: boolean
}

/** One task being run, from its start until its end is seen or proven. Times are on our clock, ms. */
export class Run<T> {
  readonly task: T
  readonly startedMs: number
  /** When it was known to run: an answer to a later question that does not list it proves that it ended. */
  knownMs: number
  readonly worker: string
  /** Undefined once its process was forgotten. */
  by: Runner<T> | undefined
  /** True once it was told as orphaned, which is told once. */
  orphaned = false

  constructor(task: T, by: Runner<T>, startedMs: number, knownMs: number) {
    this.task = task
    this.by = by
    this.worker = by.worker
    this.startedMs = startedMs
    this.knownMs = knownMs
    by.runs.add(this)
  }

  /** True while nobody is there to run it. */
  get isLost(): boolean {
    return this.by === undefined || this.by.gone
  }

  end(): void {
    this.by?.runs.delete(this)
  }
}
