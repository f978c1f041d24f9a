import type { Cancel, Clock } from '../base/index.ts'

/** The server accepts or holds the connection and says nothing. */
export class SilenceError extends Error {}

const CHECK_INTERVAL_MS = 1_000
/** A server that answers nothing for so long is taken for hung. */
const SILENCE_TIMEOUT_MS = 5_000

/**
 * Asks every second and gives up after five without an answer. A second in which our own process was busy does not count: the
 * answer may have been waiting in the socket all along. `received` counts messages: while it grows, an answer that is stuck
 * behind them is not missed. `ask` resolves with whether there was an answer; when there was none it has told of the loss itself.
 * Runs until silence, or until cancelled.
 */
export function watchForSilence(options: {
  readonly clock: Clock
  readonly ask: () => Promise<boolean>
  readonly received: () => number
  readonly onSilence: (error: SilenceError) => void
}): Cancel {
  const { clock, received } = options
  let silentMs = 0
  let asked = false
  let over = false
  let lastTick = clock.now()
  let lastReceived = received()
  let cancel: Cancel
  const ask = async (): Promise<void> => {
    if (!(await options.ask())) return
    asked = false
    silentMs = 0
  }
  const tick = (): void => {
    const now = clock.now()
    const late = now - lastTick > 2 * CHECK_INTERVAL_MS
    lastTick = now
    const count = received()
    if (count !== lastReceived) silentMs = 0
    else if (asked && !late) silentMs += CHECK_INTERVAL_MS
    lastReceived = count
    if (silentMs >= SILENCE_TIMEOUT_MS) {
      options.onSilence(new SilenceError('no answer in time'))
      return
    }
    if (!asked) {
      asked = true
      void ask()
    }
    if (!over) cancel = clock.after(CHECK_INTERVAL_MS, tick)
  }
  cancel = clock.after(CHECK_INTERVAL_MS, tick)
  return () => {
    over = true
    cancel()
  }
}

/** A promise that rejects with a SilenceError after `ms`, unless cancelled. */
export function deadline(clock: Clock, ms: number): { readonly promise: Promise<never>; cancel(): void } {
  let cancel: Cancel = () => {}
  const promise = new Promise<never>((_, reject) => {
    cancel = clock.after(ms, () => reject(new SilenceError('no answer in time')))
  })
  return { promise, cancel: () => cancel() }
}
