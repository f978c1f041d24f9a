/** How long one slice of long work may hold the event loop: what is urgent, as a scrape, waits for one at most. */
const SLICE_MS = 2

/** Who waits for a turn, first come, first served. */
const waiting: (() => void)[] = []

/** Work that goes ahead of all that waits here. */
let ahead = 0
/** For how long in a row long work lets others go ahead: rules may be late by this, and no more. */
const MOST_PATIENCE_MS = 100
let patienceMs = 0

function next(): void {
  if (ahead > 0 && patienceMs < MOST_PATIENCE_MS) {
    patienceMs++
    setTimeout(next, 1)
    return
  }
  patienceMs = 0
  waiting.shift()?.()
  if (waiting.length > 0) setImmediate(next)
}

/** Does what somebody waits for, as a scrape, while long work rests. Settles as the work does. */
export async function goAhead<T>(work: () => Promise<T>): Promise<T> {
  ahead++
  try {
    return await work()
  } finally {
    ahead--
  }
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
