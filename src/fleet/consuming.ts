import { SECOND } from '../base/index.ts'

/** Rounds of questions without an answer before a worker counts as not consuming: one may have met it at a bad moment. */
const ROUNDS = 2

/** How much later than two intervals a heartbeat may come and still follow on the one before. */
const LATE_BEAT_MS = SECOND

/**
 * Whether one worker process consumes any queue, by its answers to `active_queues`. Ping and heartbeats prove nothing: after a
 * broker restart a worker may go on with both and take no task (Celery's own `active_queues` then answers `[]`, or nothing).
 *
 * An answer decides. Not answering decides only when it was not busy: a round counts as unanswered when the heartbeats before and
 * after the question followed on each other, so that its main loop was not blocked while it was asked; a solo pool, whose main loop
 * runs the tasks, must also not have begun one in between. Two such rounds in a row mean no. A process that never answered has
 * remote control switched off for all we know, and nothing is told of it.
 */
export class Consuming {
  /** What was last said, or concluded; null before the first answer. */
  #consumes: boolean | null = null
  /** When that was known to hold. */
  #atMs = Number.NEGATIVE_INFINITY
  #unanswered = 0
  /** The question that was not answered and on which the next heartbeat decides; NaN when there is none. */
  #openAskMs = Number.NaN
  #beatBeforeMs = Number.NaN
  #processedBefore: number | null = null

  /** It answered with so many queues to a question asked at that time. */
  answered(queues: number, askedAtMs: number): void {
    this.#unanswered = 0
    this.#openAskMs = Number.NaN
    if (askedAtMs < this.#atMs) return
    this.#consumes = queues > 0
    this.#atMs = askedAtMs
  }

  /** A round asked at that time ended without its answer. `lastBeatMs`: its newest heartbeat; it may have come after the question. */
  unanswered(askedAtMs: number, lastBeatMs: number, processed: number | null): void {
    if (this.#consumes === null || Number.isNaN(lastBeatMs)) return
    this.#openAskMs = askedAtMs
    this.#beatBeforeMs = lastBeatMs
    this.#processedBefore = processed
  }

  /** A heartbeat came. `solo`: its main loop runs the tasks. */
  beat(atMs: number, intervalMs: number, processed: number | null, solo: boolean): void {
    if (Number.isNaN(this.#openAskMs) || atMs <= this.#openAskMs || atMs <= this.#beatBeforeMs) return
    const followed = atMs - this.#beatBeforeMs <= 2 * intervalMs + LATE_BEAT_MS
    const idle = !solo || (processed !== null && processed === this.#processedBefore)
    this.#openAskMs = Number.NaN
    if (!followed || !idle) return
    this.#unanswered++
    this.#atMs = atMs
    if (this.#unanswered >= ROUNDS) this.#consumes = false
  }

  /** null when it is not known, or was last known more than `freshMs` ago. */
  told(nowMs: number, freshMs: number): boolean | null {
    return nowMs - this.#atMs <= freshMs ? this.#consumes : null
  }
}
