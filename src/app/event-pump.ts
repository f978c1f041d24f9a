import type { RawEventMessage } from '../celery/index.ts'

export interface EventPumpOptions {
  /** Bytes of undecoded messages that may wait; what comes beyond is dropped and counted. */
  readonly maxBytes: number
  /** How long one slice of work may take before the event loop has its turn. */
  readonly sliceMs: number
  /** Takes some messages, in order; called with at most `batch` at once. */
  readonly consume: (messages: readonly RawEventMessage[]) => void
  readonly dropped: (count: number) => void
  readonly batch?: number
}

/**
 * Between the socket and the decoder: messages are taken from the socket at once, so that Redis never cuts us off for being slow
 * (celery-wire.md section 13), and decoded in slices that never hold the event loop for long. Bounded in bytes.
 */
export function createEventPump({ maxBytes, sliceMs, consume, dropped, batch = 64 }: EventPumpOptions): {
  push(message: RawEventMessage): void
  /** Decodes everything that waits, at once: for the end of the program and for tests. */
  flush(): void
  stop(): void
  readonly waitingBytes: number
} {
  let queue: RawEventMessage[] = []
  let head = 0
  let bytes = 0
  let scheduled: NodeJS.Immediate | undefined

  const take = (): boolean => {
    if (head >= queue.length) return false
    const messages = queue.slice(head, head + batch)
    head += messages.length
    for (const message of messages) bytes -= message.payload.length
    if (head >= queue.length) {
      queue = []
      head = 0
    } else if (head > 65_536) {
      queue = queue.slice(head)
      head = 0
    }
    consume(messages)
    return true
  }

  const slice = (): void => {
    scheduled = undefined
    const end = performance.now() + sliceMs
    while (take()) if (performance.now() >= end) break
    if (head < queue.length) scheduled = setImmediate(slice)
  }

  return {
    push(message) {
      if (bytes + message.payload.length > maxBytes) {
        dropped(1)
        return
      }
      queue.push(message)
      bytes += message.payload.length
      scheduled ??= setImmediate(slice)
    },
    flush() {
      while (take());
    },
    stop() {
      clearImmediate(scheduled)
      scheduled = undefined
    },
    get waitingBytes() {
      return bytes
    },
  }
}
