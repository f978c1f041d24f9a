import type { Cancel, Clock } from '../base/index.ts'

interface Tick {
  readonly cancel: Cancel
  readonly runs: Set<() => void>
}

/**
 * A clock whose timers fall due on a grid of `tickMs`, never early, many at once: a fleet of hundreds of timers a second then wakes the
 * process no more often than the grid does. Waking is what costs, not the work.
 */
export class Ticker implements Clock {
  readonly #clock: Clock
  readonly #tickMs: number
  readonly #ticks = new Map<number, Tick>()

  constructor(clock: Clock, tickMs: number) {
    this.#clock = clock
    this.#tickMs = tickMs
  }

  now(): number {
    return this.#clock.now()
  }

  after(delayMs: number, run: () => void): Cancel {
    const now = this.#clock.now()
    const due = Math.ceil((now + Math.max(0, delayMs)) / this.#tickMs) * this.#tickMs
    let tick = this.#ticks.get(due)
    if (tick === undefined) {
      tick = { cancel: this.#clock.after(due - now, () => this.#ring(due)), runs: new Set() }
      this.#ticks.set(due, tick)
    }
    const { runs } = tick
    // A function of its own, so that the same `run` given twice is run twice.
    const once = (): void => run()
    runs.add(once)
    return () => {
      runs.delete(once)
    }
  }

  /** Ends every timer. */
  stop(): void {
    for (const { cancel } of this.#ticks.values()) cancel()
    this.#ticks.clear()
  }

  #ring(due: number): void {
    const tick = this.#ticks.get(due)
    this.#ticks.delete(due)
    // What is added for this very moment while it rings gets a tick of its own; what is cancelled meanwhile does not run.
    for (const run of tick?.runs ?? []) run()
  }
}
