import type { QueueFacts } from './contract.ts'

/**
 * Whether anything leaves a queue, from readings of the broker alone. Something left when a message that was the oldest of its
 * list is it no more (Redis), when a delivery was counted (RabbitMQ's management), or when the depth fell. A message that begins a
 * list of another priority is no sign of progress. What was read before the broker was lost still counts: the same message at the
 * head afterwards means that nothing left meanwhile.
 */
export class QueueProgress {
  #heads: readonly string[] | null = null
  #deliveredTotal: number | null = null
  #depth = 0
  /** When something was last seen to have left; NaN while that cannot be said. */
  #sinceMs = Number.NaN

  read(facts: QueueFacts, atMs: number): void {
    const { depth } = facts
    const heads = headsOf(facts)
    const { deliveredTotal } = facts
    if (depth === 0 || (heads === null && deliveredTotal === null)) this.#sinceMs = Number.NaN
    else if (Number.isNaN(this.#sinceMs) || this.#moved(depth, heads, deliveredTotal)) this.#sinceMs = atMs
    this.#heads = heads
    this.#deliveredTotal = deliveredTotal
    this.#depth = depth
  }

  /** Seconds since something was last seen to leave; 0 when the queue is empty; null when the transport cannot say. */
  seconds(nowMs: number): number | null {
    if (this.#depth === 0) return 0
    return Number.isNaN(this.#sinceMs) ? null : Math.max(0, nowMs - this.#sinceMs) / 1000
  }

  #moved(depth: number, heads: readonly string[] | null, deliveredTotal: number | null): boolean {
    if (depth < this.#depth) return true
    if (deliveredTotal !== null && this.#deliveredTotal !== null && deliveredTotal !== this.#deliveredTotal)
      return true
    // Of a kind of reading there was none before: from here on it can be compared.
    if (heads === null || this.#heads === null)
      return deliveredTotal === null || this.#deliveredTotal === null
    return this.#heads.some(id => !heads.includes(id))
  }
}

/** null when a message has no id: one such looks like the next. */
function headsOf({ heads }: QueueFacts): readonly string[] | null {
  return heads === null || heads.length === 0 || heads.includes('') ? null : heads
}
