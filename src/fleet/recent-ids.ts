/** So many ids of a generation are remembered; the rest is not, and then counts as never seen. */
const MAX_IDS = 50_000

/** Longer ids are not remembered. */
const MAX_ID_LENGTH = 64

/** Ids of the last moments, for at least one and at most two generations' time. */
export class RecentIds {
  readonly #generationMs: number
  #young = new Set<string>()
  #old = new Set<string>()
  #bornMs = Number.NEGATIVE_INFINITY

  constructor(generationMs: number) {
    this.#generationMs = generationMs
  }

  add(id: string): void {
    if (this.#young.size < MAX_IDS && id.length <= MAX_ID_LENGTH) this.#young.add(id)
  }

  has(id: string): boolean {
    return this.#young.has(id) || this.#old.has(id)
  }

  tick(nowMs: number): void {
    if (nowMs - this.#bornMs < this.#generationMs) return
    const spare = this.#old
    spare.clear()
    this.#old = this.#young
    this.#young = spare
    this.#bornMs = nowMs
  }
}
