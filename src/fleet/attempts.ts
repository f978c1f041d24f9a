/**
 * One run of a task: published once, by a client or as a retry by the run before it, and started once. NaN and '' stand for "not
 * heard yet".
 */
export interface Attempt {
  /** Where its `task-sent` says that it went. */
  queue: string
  /** When it was ready to run by the sender's clock, ms: its publication, or its ETA if later. */
  readyMs: number
  /** The same by our clock: arrival of its `task-sent`, or its ETA. */
  waitingSinceMs: number
  /** When it started, and where, until its wait is told: by the worker's clock, or by ours when that one is wrong. */
  startedMs: number
  worker: string
  /** Its wait was told, or can never be. */
  told: boolean
}

interface NumberedAttempt extends Attempt {
  /** How many runs came before it. */
  readonly retries: number
}

/** One process has received a run and not told of its end. */
interface Receipt {
  readonly worker: string
  readonly pid: number | undefined
  readonly retries: number
  started: boolean
}

/** Of a task that goes on being retried, only so many runs are remembered: of older ones nothing is to come. */
const MAX_ATTEMPTS = 16
const MAX_RECEIPTS = 32

/**
 * The runs of one task that was retried, or delivered more than once. Events of one worker process come in order; those of the
 * client, of each process that published a retry, and of each worker may overtake one another at will.
 *
 * `task-sent` and `task-received` bear the number of their run, `task-started` and `task-retried` do not. It follows from what the
 * same worker received: a process starts the runs of a task that it received in the order of their numbers, since the next one is
 * only published from within the one before, and it ends them in that order. So a start is of the first run that this process
 * received and has not started. Of which run it is cannot be known when its receipt was never heard; then no wait is told.
 */
export class Attempts {
  /** The highest number heard of, or known to be next; -1 when none is. */
  newest = -1
  /** The number of the run that is known to be running, or was last. */
  running = -1
  /** In the order in which they were heard of. */
  #attempts: NumberedAttempt[] = []
  /** In the order in which they were received, for each process. */
  #receipts: Receipt[] = []
  /** Runs below this number are forgotten. */
  #floor = 0

  /** The run of a number, known from now on; undefined when it is so old that it was forgotten. */
  of(retries: number): Attempt | undefined {
    const known = this.find(retries)
    if (known !== undefined || retries < this.#floor) return known
    const made: NumberedAttempt = {
      retries,
      queue: '',
      readyMs: Number.NaN,
      waitingSinceMs: Number.NaN,
      startedMs: Number.NaN,
      worker: '',
      told: false,
    }
    this.#attempts.push(made)
    if (this.#attempts.length > MAX_ATTEMPTS) this.#forgetLowest()
    return made
  }

  find(retries: number): Attempt | undefined {
    return this.#attempts.find(attempt => attempt.retries === retries)
  }

  received(retries: number, worker: string, pid: number | undefined): void {
    // A process that was replaced neither starts nor ends anything any more.
    this.#receipts = this.#receipts.filter(receipt => receipt.worker !== worker || isOf(receipt, worker, pid))
    this.#receipts.push({ worker, pid, retries, started: false })
    if (this.#receipts.length > MAX_RECEIPTS) this.#receipts.shift()
  }

  /** A process has started a run: the number of that, or undefined when it cannot be known. */
  started(worker: string, pid: number | undefined): number | undefined {
    const receipt = this.#receipts.find(one => !one.started && isOf(one, worker, pid))
    if (receipt === undefined) return undefined
    receipt.started = true
    return receipt.retries
  }

  /** A process is done with a run, and the task is not: the number of that run, or undefined when it cannot be known. */
  left(worker: string, pid: number | undefined): number | undefined {
    const index = this.#receipts.findIndex(one => isOf(one, worker, pid))
    return index === -1 ? undefined : this.#receipts.splice(index, 1)[0]?.retries
  }

  /** The task has ended in a process. */
  ended(worker: string, pid: number | undefined): void {
    this.#receipts = this.#receipts.filter(one => !isOf(one, worker, pid))
  }

  #forgetLowest(): void {
    const lowest = Math.min(...this.#attempts.map(({ retries }) => retries))
    this.#floor = lowest + 1
    this.#attempts = this.#attempts.filter(({ retries }) => retries !== lowest)
  }
}

const isOf = (receipt: Receipt, worker: string, pid: number | undefined): boolean =>
  receipt.worker === worker && (receipt.pid === pid || receipt.pid === undefined || pid === undefined)
