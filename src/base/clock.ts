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
  #timers: { at: number; order: number; run: () => void }[] = []
  #order = 0

  constructor(startMs = 0) {
    this.#now = startMs
  }

  now(): number {
    return this.#now
  }

  after(delayMs: number, run: () => void): Cancel {
    const timer = { at: this.#now + Math.max(0, delayMs), order: this.#order++, run }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter(other => other !== timer)
    }
  }

  /** Moves time forward, running every timer that falls due on the way; between two timers pending promises settle. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    for (;;) {
      await Promise.resolve()
      const next = this.#timers
        .filter(timer => timer.at <= end)
        .sort((a, b) => a.at - b.at || a.order - b.order)[0]
      if (next === undefined) break
      this.#timers = this.#timers.filter(other => other !== next)
      this.#now = Math.max(this.#now, next.at)
      next.run()
    }
    this.#now = end
    await Promise.resolve()
  }
}
