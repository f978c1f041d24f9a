/** A heartbeat whose tasks' events may still be on their way. */
interface Beat {
  readonly clock: number | null
  readonly stampMs: number
  readonly processed: number
  /** Receipts and starts heard that lay before it. */
  starts: number
  receipts: number
}

/** A worker sends the events of a turn of its loop together, heartbeats at once: by so many heartbeats later all have come. */
const SETTLED_AFTER = 2
/** Where tasks start beside the heartbeats, so many of these in a row must miss a start. */
const SIDE_BY_SIDE_BEATS = 15

/**
 * Counts the runs of one worker process that it counted itself and no event told of. Its heartbeats say how many tasks its pool has
 * accepted (`processed`); each of these sends a `task-started` at that moment (Celery `worker/state.py` `task_accepted`,
 * `worker/request.py` `on_accepted`). So the difference of the two grows only when events are lost, wherever: in the worker, in the
 * broker, while we were not connected, or in our own buffer.
 *
 * Never counted are
 * - events on their way: a heartbeat is judged two heartbeats later, and starts are sorted before or after it by the worker's own
 *   logical clock, else by its time;
 * - starts under way inside the worker: threads and greenlets count a task, acknowledge it, which waits for the broker, and only then
 *   send its start (Celery `worker/request.py` `on_accepted`), so that a heartbeat may come between. A loss lasts and this does not:
 *   what half a minute of heartbeats agree on is lost;
 * - a process that sends no task events: counting begins with the last heartbeat before the first of them, and of what was accepted
 *   in between only as much as was received counts;
 * - tasks that are set to send none (`send_events=False`): `stats` says how many of each name were accepted, and what was never
 *   received under a name is not missed. So nothing can be said of a worker without remote control.
 */
export class StartAccount {
  #starts = 0
  #receipts = 0
  #beats: Beat[] = []
  /** `processed` minus starts, as it stands now for certain, and as it stood when counting began. */
  #deficit = Number.NaN
  /** The newest differences, as many as must agree. */
  #differences: number[] = []
  #base = Number.NaN
  #spoke = false
  /** No heartbeat was judged since the first task event. */
  #first = true
  /** Accepted tasks of names that were never received: by the newest answer, and by the one before counting began; null when there was none. */
  #silent: ReadonlyMap<string, number> | null = null
  #silentBase: ReadonlyMap<string, number> | null = null
  #told = 0
  #toldAny = false

  received(): void {
    this.#spoke = true
    this.#receipts++
  }

  started(clock: number | null, stampMs: number): void {
    this.#spoke = true
    this.#starts++
    for (const beat of this.#beats) if (isBefore(clock, stampMs, beat)) beat.starts++
  }

  /**
   * A heartbeat with its numbers. `mute`: tasks are accepted and no task event comes at all. `sideBySide`: the pool starts tasks in
   * threads or greenlets, beside the heartbeats.
   */
  beat(clock: number | null, stampMs: number, processed: number, mute: boolean, sideBySide = false): void {
    if (mute) this.#spoke = false
    if (!this.#spoke) {
      this.#beats = []
      this.#first = true
      this.#begin(processed - this.#starts)
      return
    }
    this.#beats.push({ clock, stampMs, processed, starts: this.#starts, receipts: this.#receipts })
    if (this.#beats.length > SETTLED_AFTER)
      this.#settle(this.#beats.shift()!, sideBySide ? SIDE_BY_SIDE_BEATS : 1)
  }

  /**
   * The worker answered how many tasks of each name it has accepted. Returns the runs newly found to be lost; undefined when that
   * cannot be said, or there are none since it was last said.
   */
  counted(
    totals: Iterable<readonly [name: string, count: number]>,
    isReceived: (name: string) => boolean,
  ): number | undefined {
    const silent = new Map<string, number>()
    for (const [name, count] of totals) if (!isReceived(name)) silent.set(name, count)
    const first = this.#silent === null
    this.#silent = silent
    if (first && silent.size === 0) this.#silentBase ??= silent
    if (Number.isNaN(this.#base) || this.#first) return undefined
    if (this.#silentBase === null) {
      // Nobody knows how many of the silent ones were accepted before counting began: begin anew, with what comes after.
      this.#beats = []
      this.#base = Number.NaN
      return undefined
    }
    let lost = this.#deficit - this.#base
    for (const [name, count] of silent) lost -= count - (this.#silentBase.get(name) ?? 0)
    if (lost <= this.#told && this.#toldAny) return undefined
    this.#toldAny = true
    const newly = Math.max(0, lost - this.#told)
    this.#told += newly
    return newly
  }

  #settle({ processed, starts, receipts }: Beat, agreeing: number): void {
    const deficit = processed - starts
    if (Number.isNaN(this.#base)) this.#begin(deficit)
    // Events may have been switched on in between: what was accepted and not received was accepted before that.
    else if (this.#first) this.#base = Math.max(this.#base, deficit - Math.max(0, receipts - starts))
    // Counting began while starts were under way.
    this.#base = Math.min(this.#base, deficit)
    this.#differences.push(deficit)
    while (this.#differences.length > agreeing) this.#differences.shift()
    this.#deficit = this.#differences.length < agreeing ? this.#base : Math.min(...this.#differences)
    this.#first = false
  }

  #begin(base: number): void {
    this.#base = base
    this.#differences = []
    this.#silentBase = this.#silent
    this.#told = 0
  }
}

/** Whether an event was made before a heartbeat of the same process. */
function isBefore(clock: number | null, stampMs: number, beat: Beat): boolean {
  return clock !== null && beat.clock !== null && clock !== beat.clock
    ? clock < beat.clock
    : stampMs <= beat.stampMs
}
