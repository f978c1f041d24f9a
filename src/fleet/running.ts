import type { OrphanView, RunningView } from './contract.ts'
import { Run, type Runner } from './run.ts'
import { type TaskRecord, UNKNOWN } from './task-record.ts'

type TaskRunner = Runner<TaskRecord>

/** Younger than this, a task that only an answer names may have ended while the answer was on its way. */
const DOUBTFUL_MS = 5000

/** A start further back than this is no time of day: workers up to Celery 4 answered with seconds since the boot of their host. */
const BELIEVED_MS = 30 * 24 * 3_600_000

/**
 * Which task runs where, from starts and from answers to `active`. A task has one run at a time: of two copies that run at once,
 * because the broker delivered it twice, the older one stands.
 */
export class RunningTasks {
  /** Runs told as orphaned whose task was neither finished nor delivered again since. */
  readonly #orphans = new Set<Run<TaskRecord>>()

  #size = 0

  /** How many tasks run, for all that is known. */
  get size(): number {
    return this.#size
  }

  /** A start was seen at `knownMs`; it lay at `startedMs`. */
  begin(task: TaskRecord, by: TaskRunner, startedMs: number, knownMs: number): void {
    if (task.run !== undefined) {
      if (task.run.by !== by && !task.run.isLost) return
      this.end(task)
    }
    task.run = new Run(task, by, startedMs, knownMs)
    this.#size++
  }

  /** It runs no more. False when it was not known to run. */
  end(task: TaskRecord): boolean {
    if (task.run === undefined) return false
    task.run.end()
    this.#size--
    this.#orphans.delete(task.run)
    task.run = undefined
    return true
  }

  /**
   * An answer of `by` to a question asked at `askedAtMs` lists the task as active since `startedMs` (NaN: not said). False when that
   * is not believed: the answer may be older than the end of the task.
   */
  listed(
    task: TaskRecord,
    by: TaskRunner,
    startedMs: number,
    askedAtMs: number,
    sendsEvents: boolean,
  ): boolean {
    const { run } = task
    if (run?.by === by) {
      if (askedAtMs > run.knownMs) run.knownMs = askedAtMs
      return true
    }
    const believed = askedAtMs - startedMs < BELIEVED_MS
    const beganMs = believed ? Math.min(startedMs, askedAtMs) : askedAtMs
    if (sendsEvents && askedAtMs - beganMs < DOUBTFUL_MS) return false
    this.begin(task, by, beganMs, askedAtMs)
    return true
  }

  /** Ends what `by` was known to run before `askedAtMs` and its answer does not list; returns those tasks. */
  endUnlisted(by: TaskRunner, listed: ReadonlySet<TaskRecord>, askedAtMs: number): readonly TaskRecord[] {
    const ended: TaskRecord[] = []
    for (const run of by.runs) if (run.knownMs < askedAtMs && !listed.has(run.task)) ended.push(run.task)
    for (const task of ended) this.end(task)
    return ended
  }

  /** `by` vanished: returns what it had started and nobody told to have ended, each run once. */
  orphan(by: TaskRunner): readonly Run<TaskRecord>[] {
    const found: Run<TaskRecord>[] = []
    for (const run of by.runs) {
      if (run.orphaned) continue
      run.orphaned = true
      this.#orphans.add(run)
      found.push(run)
    }
    return found
  }

  /** `by` is forgotten. What was orphaned stays, without it; returns the rest, whose ends will never be seen. */
  release(by: TaskRunner): readonly TaskRecord[] {
    const rest: TaskRecord[] = []
    for (const run of by.runs)
      if (run.orphaned) run.by = undefined
      else rest.push(run.task)
    by.runs.clear()
    for (const task of rest) task.run = undefined
    this.#size -= rest.length
    return rest
  }

  orphans(): readonly OrphanView[] {
    return Array.from(this.#orphans)
      .filter(run => run.isLost)
      .map(({ task, worker, startedMs }) => ({ id: task.uuid, ...namesOf(task), worker, startedMs }))
  }
}

/** Of each task name the longest-running one. */
export function longestRunning(runners: Iterable<TaskRunner>, nowMs: number): readonly RunningView[] {
  const oldest = new Map<string, Run<TaskRecord>>()
  for (const { runs } of runners)
    for (const run of runs) {
      const { name } = run.task
      const known = oldest.get(name)
      if (known === undefined || run.startedMs < known.startedMs) oldest.set(name, run)
    }
  return Array.from(oldest.values(), ({ task, worker, startedMs }) => ({
    task: namesOf(task).task,
    oldestSeconds: Math.max(0, nowMs - startedMs) / 1000,
    id: task.uuid,
    worker,
  }))
}

export const namesOf = ({ name, queue }: TaskRecord): { readonly task: string; readonly queue: string } => ({
  task: name === '' ? UNKNOWN : name,
  queue: queue === '' ? UNKNOWN : queue,
})
