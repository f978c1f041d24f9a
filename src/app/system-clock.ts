import type { Clock } from '../base/index.ts'

/** The real clock. Its timers keep the process alive until cancelled. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, Math.max(0, delayMs))
    return () => clearTimeout(timer)
  },
}
