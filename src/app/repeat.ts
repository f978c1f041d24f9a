import type { Clock } from '../base/index.ts'

/**
 * Runs a task again and again, never two at once: the next run is planned when the last one ended. Errors are the task's own
 * business (`onError`); they never end the repetition. `soon()` brings the next run forward.
 */
export function repeat(
  clock: Clock,
  intervalMs: number,
  task: () => Promise<void>,
  onError: (error: unknown) => void,
): { soon(delayMs?: number): void; stop(): void } {
  let stopped = false
  let running = false
  let again: number | undefined
  let cancel: (() => void) | undefined

  const plan = (delayMs: number): void => {
    cancel?.()
    cancel = clock.after(delayMs, () => void run())
  }
  const run = async (): Promise<void> => {
    running = true
    try {
      await task()
    } catch (error) {
      onError(error)
    }
    running = false
    if (stopped) return
    plan(again ?? intervalMs)
    again = undefined
  }
  plan(0)
  return {
    soon(delayMs = 0) {
      if (stopped) return
      if (running) again = delayMs
      else plan(delayMs)
    },
    stop() {
      stopped = true
      cancel?.()
    },
  }
}
