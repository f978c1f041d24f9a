import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Cancel, Clock } from '../base/index.ts'

/**
 * Calls `sample` at every multiple of the interval: on the grid, so that timestamps are shared and compress well (promql.md
 * section 4.1). A time that was missed is not caught up: a sample tells what was true when it was taken.
 */
export function createSampler(
  clock: Clock,
  intervalMs: number,
  sample: (gridMs: number) => Promise<void>,
  onError: (error: unknown) => void,
): { stop(): Promise<void> } {
  let cancel: Cancel | undefined
  let stopped = false
  let running: Promise<void> = Promise.resolve()
  const plan = (): void => {
    if (stopped) return
    const nowMs = clock.now()
    const nextMs = (Math.floor(nowMs / intervalMs) + 1) * intervalMs
    cancel = clock.after(nextMs - nowMs, () => {
      // A timer may fire a moment early; the grid time is meant, not the timer's.
      running = sample(Math.round(clock.now() / intervalMs) * intervalMs)
        .catch(onError)
        .finally(plan)
    })
  }
  plan()
  return {
    async stop() {
      stopped = true
      cancel?.()
      await running
    },
  }
}

/** Tells the longest block of the event loop since it was last asked, in seconds. */
export function createLoopLag(): { readSeconds(): number; stop(): void } {
  const RESOLUTION_MS = 10
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delay.enable()
  return {
    readSeconds() {
      const seconds = Math.max(0, delay.max / 1e9 - RESOLUTION_MS / 1000)
      delay.reset()
      return Number.isFinite(seconds) ? seconds : 0
    },
    stop: () => {
      delay.disable()
    },
  }
}
