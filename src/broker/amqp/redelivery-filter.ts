const KEEP_MS = 180_000
const MAX_LOST_SESSIONS = 8

interface LostSession {
  /** How often each message may still come again. */
  readonly handedOver: Map<number, number>
  readonly untilMs: number
}

/**
 * Tells which redelivered messages had been handed over before the connection was lost. The broker gives back whatever it holds no
 * acknowledgement for, and that includes messages we took whose acknowledgement never arrived; without this they would be counted
 * twice. Exact, because the broker has at most `prefetch` unacknowledged messages on a consumer: only the last `prefetch` of a
 * session can come again. They may come late, when the broker is slow to notice that the old connection is dead, so they are
 * remembered for minutes. Messages are known by their fingerprints.
 */
export class RedeliveryFilter {
  readonly #prefetch: number
  #recent: Float64Array
  #count = 0
  #lost: LostSession[] = []

  constructor(prefetch: number) {
    this.#prefetch = prefetch
    this.#recent = new Float64Array(prefetch)
  }

  /** A message was handed over, or recognised as a repetition: its acknowledgement may get lost. */
  remember(fingerprint: number): void {
    this.#recent[this.#count++ % this.#prefetch] = fingerprint
  }

  /** The connection was lost: what was remembered may come again from now on. */
  sessionLost(nowMs: number): void {
    const handedOver = new Map<number, number>()
    for (let i = Math.max(0, this.#count - this.#prefetch); i < this.#count; i++) {
      const fingerprint = this.#recent[i % this.#prefetch] ?? 0
      handedOver.set(fingerprint, (handedOver.get(fingerprint) ?? 0) + 1)
    }
    this.#count = 0
    if (handedOver.size > 0) this.#lost.push({ handedOver, untilMs: nowMs + KEEP_MS })
    if (this.#lost.length > MAX_LOST_SESSIONS) this.#lost.shift()
  }

  /** True for a message that was handed over in a lost session; once for each time. To be asked of redelivered messages only. */
  isRepetition(fingerprint: number, nowMs: number): boolean {
    this.#lost = this.#lost.filter(session => session.untilMs > nowMs)
    for (const { handedOver } of this.#lost) {
      const count = handedOver.get(fingerprint)
      if (count === undefined) continue
      if (count === 1) handedOver.delete(fingerprint)
      else handedOver.set(fingerprint, count - 1)
      return true
    }
    return false
  }
}
