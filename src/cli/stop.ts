/** What waits for a signal needs of the process. */
export interface Signalled {
  on(signal: NodeJS.Signals, listener: () => void): unknown
  exit(code: number): unknown
}

/**
 * One press of Ctrl+C reaches a program twice when what started it passes it on: npm and the start script do, and the terminal
 * tells everybody of the group anyway. Signals this close together are one wish.
 */
const SAME_PRESS_MS = 1000

const NUMBERS = { SIGINT: 2, SIGTERM: 15 } as const

/**
 * Resolves with the first SIGINT or SIGTERM. A later one, that cannot come from the same press, is not waited for: who asks twice
 * wants out, and the process exits with 128 and the signal's number, as a shell reports it.
 */
export function untilSignalled(
  process: Signalled,
  nowMs: () => number = () => performance.now(),
): Promise<NodeJS.Signals> {
  return new Promise(resolve => {
    let firstMs: number | undefined
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.on(signal, () => {
        if (firstMs === undefined) {
          firstMs = nowMs()
          resolve(signal)
        } else if (nowMs() - firstMs >= SAME_PRESS_MS) process.exit(128 + NUMBERS[signal])
      })
  })
}
