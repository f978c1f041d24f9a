import type { Cancel, Clock } from '../base/index.ts'

/** How long to wait before each new attempt; the last goes on for ever. Kept under 2 s so that a returned server is soon seen. */
const DELAYS_MS: readonly number[] = [200, 500, 1000, 1500]

/** Attempts to connect that follow a failed one, each a little later than the last. */
export class Retries {
  readonly #clock: Clock
  #failed = 0
  #cancel: Cancel | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Attempts that failed since the last success. */
  get failed(): number {
    return this.#failed
  }

  /** An attempt failed, or a connection was lost: runs the next when it is time. */
  failedOnce(attempt: () => void): void {
    const delayMs = DELAYS_MS[Math.min(this.#failed, DELAYS_MS.length - 1)] ?? 1_000
    this.#failed++
    this.#cancel = this.#clock.after(delayMs, attempt)
  }

  succeeded(): void {
    this.#failed = 0
  }

  cancel(): void {
    this.#cancel?.()
  }
}
