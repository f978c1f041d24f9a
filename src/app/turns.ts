/** How long one slice of long work may hold the event loop: what is urgent, as a scrape, waits for one at most. */
const SLICE_MS = 4

/** Who waits for a turn, first come, first served. */
const waiting: (() => void)[] = []

function next(): void {
  waiting.shift()?.()
  if (waiting.length > 0) setImmediate(next)
}

/**
 * Lets timers, sockets and events have their turn between two pieces of long work. However many works are under way, only one of
 * them goes on in each turn of the event loop: together they hold it no longer than one piece takes.
 */
export const breathe = (): Promise<void> =>
  new Promise(resolve => {
    waiting.push(resolve)
    if (waiting.length === 1) setImmediate(next)
  })

/** Does work in slices of a few milliseconds, each in a turn of its own. Rejects with what the work throws. */
export async function inTurns<T>(work: Iterator<unknown, T>, nowMs: () => number): Promise<T> {
  for (;;) {
    await breathe()
    const endMs = nowMs() + SLICE_MS
    do {
      const step = work.next()
      if (step.done === true) return step.value
    } while (nowMs() < endMs)
  }
}
