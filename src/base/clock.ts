/** Stops a timer; calling it again does nothing. */
export type Cancel = () => void

/** The only source of "now" and of timers outside tests. Times are epoch milliseconds. */
export interface Clock {
  now(): number
  /** Calls `run` once after `delayMs`. */
  after(delayMs: number, run: () => void): Cancel
}

/** A clock that stands still until told, for tests and replay: timers run in order of their time, each at its own time. */
export class VirtualClock implements Clock {
  #now: number
  /** By time, those of one time in the order in which they were set. */
  readonly #timers: { readonly at: number; readonly run: () => void }[] = []

  constructor(startMs = 0) {
    this.#now = startMs
  }

  now(): number {
    return this.#now
  }

  after(delayMs: number, run: () => void): Cancel {
    const timer = { at: this.#now + Math.max(0, delayMs), run }
    let low = 0
    for (let high = this.#timers.length; low < high;) {
      const middle = (low + high) >> 1
      if (this.#timers[middle]!.at <= timer.at) low = middle + 1
      else high = middle
    }
    this.#timers.splice(low, 0, timer)
    return () => {
      const index = this.#timers.indexOf(timer)
      if (index >= 0) this.#timers.splice(index, 1)
    }
  }

  /** Moves time forward, running every timer that falls due on the way; between two timers pending promises settle. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    for (;;) {
      await Promise.resolve()
      const next = this.#timers[0]
      if (next === undefined || next.at > end) break
      this.#timers.shift()
      this.#now = Math.max(this.#now, next.at)
      next.run()
    }
    this.#now = end
    await Promise.resolve()
  }
}
