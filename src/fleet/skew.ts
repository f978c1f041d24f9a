import { MINUTE, SECOND } from '../base/index.ts'
import type { ClockFault } from './contract.ts'

/** Heartbeats of which the median is taken: at one every 2 s, the last twenty seconds. */
const WINDOW = 10

/** Up to here a clock counts as right: delivery alone may take as long as one heartbeat. */
const SMALL_MS = 2 * SECOND

/** Zones are a multiple of 15 minutes apart; a clock set to the wrong one may drift besides. */
const ZONE_STEP_MS = 15 * MINUTE
const ZONE_TOLERANCE_MS = 30 * SECOND

/** A queue of events that grows makes each heartbeat later than the one before; a clock does not move by this in twenty seconds. */
const MOVING_MS = SECOND
const MOVING_STEPS = 7

/**
 * The clock of one worker process, from its heartbeats: time of arrival minus time of sending. That is what its clock is behind
 * ours plus the time of delivery, which two clocks alone cannot tell apart; the median is not moved by a few late ones. Celery's
 * `utcoffset` says nothing of clocks (celery-wire.md section 7) and is not read.
 */
export class ClockSkew {
  /** Oldest first once full: `#next` is where the next one goes. */
  readonly #delaysMs: number[] = []
  #next = 0
  #medianMs = Number.NaN
  #fault: ClockFault | null = null

  /** Why it is as it is; null until the median is known. */
  get fault(): ClockFault | null {
    return this.#fault
  }

  /** NaN until ten heartbeats were heard. Positive when the worker's clock is behind ours. */
  get medianMs(): number {
    return this.#medianMs
  }

  /** A heartbeat arrived so long after the time it bears; negative when it bears a time to come. */
  heard(delayMs: number): void {
    this.#delaysMs[this.#next] = delayMs
    this.#next = (this.#next + 1) % WINDOW
    if (this.#delaysMs.length < WINDOW) return
    const sorted = this.#delaysMs.toSorted((a, b) => a - b)
    this.#medianMs = (sorted[WINDOW / 2 - 1]! + sorted[WINDOW / 2]!) / 2
    this.#fault = this.#judge(this.#medianMs)
  }

  #judge(skewMs: number): ClockFault {
    if (Math.abs(skewMs) <= SMALL_MS) return 'none'
    if (skewMs > 0 && this.#isMoving()) return 'delayed'
    const zoneMs = Math.round(skewMs / ZONE_STEP_MS) * ZONE_STEP_MS
    return zoneMs !== 0 && Math.abs(skewMs - zoneMs) <= ZONE_TOLERANCE_MS ? 'timezone' : 'drift'
  }

  /** True while delays grow, or shrink, from nearly every heartbeat to the next: one step, as when a clock is set, is not enough. */
  #isMoving(): boolean {
    const at = (i: number): number => this.#delaysMs[(this.#next + i) % WINDOW]!
    const wholeMs = at(WINDOW - 1) - at(0)
    if (Math.abs(wholeMs) < MOVING_MS) return false
    let steps = 0
    for (let i = 1; i < WINDOW; i++) if ((at(i) - at(i - 1)) * wholeMs > 0) steps++
    return steps >= MOVING_STEPS
  }
}
