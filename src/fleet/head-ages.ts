import type { QueueFacts } from './contract.ts'

/** Messages whose first sight is remembered, a queue; when there are more, every second one is given up. */
const MAX_SEEN = 64

/** Ids longer than this are not remembered. */
const MAX_ID_LENGTH = 256

/** Since when a message waits, ms: NaN when that is not known, Infinity when it waits no more. */
export type SinceOf = (id: string) => number

/**
 * Since when the oldest messages of a queue wait, by their ids (Redis; nothing in a message says when it was sent). Exact where its
 * `task-sent` was seen. Else by sampling (celery-wire.md section 10): the ids of the newest messages are remembered with the time
 * they were first seen, as are those that came into a queue read as empty just before, so that the age of such a message is known to
 * within one reading when it has become the oldest.
 */
export class HeadAges {
  readonly #maxGapMs: number
  /** NaN: it was there when we first looked. */
  readonly #seenMs = new Map<string, number>()
  #lastMs = Number.NEGATIVE_INFINITY
  #wasEmpty = false
  #sinceMs = Number.NaN
  #canTell = false

  /** `maxGapMs`: readings further apart do not tell when a message came. */
  constructor(maxGapMs: number) {
    this.#maxGapMs = maxGapMs
  }

  /** Whether the transport lets us see the oldest message at all. */
  get canTell(): boolean {
    return this.#canTell
  }

  /** When the oldest message of the last reading began to wait: NaN when not known, Infinity when there was none. */
  get sinceMs(): number {
    return this.#sinceMs
  }

  read({ depth, heads, newest }: QueueFacts, atMs: number, sinceOf: SinceOf): void {
    const follows = atMs - this.#lastMs <= this.#maxGapMs
    this.#lastMs = atMs
    this.#canTell = heads !== null
    if (heads === null || depth === 0) this.#seenMs.clear()
    if (heads === null) this.#sinceMs = Number.NaN
    else {
      const cameMs = follows ? atMs : Number.NaN
      for (const id of newest ?? []) this.#see(id, cameMs)
      if (this.#wasEmpty) for (const id of heads) this.#see(id, cameMs)
      this.#sinceMs = depth === 0 ? Infinity : this.#oldest(heads, sinceOf)
      this.#makeRoom(heads)
    }
    this.#wasEmpty = depth === 0
  }

  /** A break: messages may have come and gone unseen. */
  lost(): void {
    this.#lastMs = Number.NEGATIVE_INFINITY
    this.#wasEmpty = false
    this.#sinceMs = Number.NaN
  }

  #oldest(heads: readonly string[], sinceOf: SinceOf): number {
    // A message without a readable list of heads may be older than any of them.
    if (heads.length === 0) return Number.NaN
    let oldestMs = Infinity
    for (const id of heads) {
      const exactMs = sinceOf(id)
      const sinceMs = Number.isNaN(exactMs) ? (this.#seenMs.get(id) ?? Number.NaN) : exactMs
      if (Number.isNaN(sinceMs)) return Number.NaN
      if (sinceMs < oldestMs) oldestMs = sinceMs
    }
    return oldestMs
  }

  #see(id: string, atMs: number): void {
    if (id !== '' && id.length <= MAX_ID_LENGTH && !this.#seenMs.has(id)) this.#seenMs.set(id, atMs)
  }

  #makeRoom(heads: readonly string[]): void {
    // What was seen before the oldest of all heads was sent has left the queue.
    if (Number.isFinite(this.#sinceMs))
      for (const [id, seenMs] of this.#seenMs) {
        if (seenMs >= this.#sinceMs) break
        if (!heads.includes(id)) this.#seenMs.delete(id)
      }
    if (this.#seenMs.size <= MAX_SEEN) return
    let odd = false
    for (const id of this.#seenMs.keys()) {
      odd = !odd
      if (odd && !heads.includes(id)) this.#seenMs.delete(id)
    }
  }
}
