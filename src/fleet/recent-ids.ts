/** So many ids of a generation are remembered; the rest is not, and then counts as never seen. */
const MAX_IDS = 50_000

/** Longer ids are not remembered. */
const MAX_ID_LENGTH = 64

/** Ids of one generation: added by the thousand and asked for seldom, so that they are indexed only when somebody asks. */
class Generation {
  readonly #ids: string[] = []
  readonly #index = new Set<string>()
  #indexed = 0

  get size(): number {
    return this.#ids.length
  }

  add(id: string): void {
    if (this.#ids.length < MAX_IDS && id.length <= MAX_ID_LENGTH) this.#ids.push(id)
  }

  has(id: string): boolean {
    while (this.#indexed < this.#ids.length) this.#index.add(this.#ids[this.#indexed++]!)
    return this.#index.has(id)
  }
}

/** Ids of the last moments, for at least one and at most two generations' time. */
export class RecentIds {
  readonly #generationMs: number
  #young = new Generation()
  #old = new Generation()
  #bornMs = Number.NEGATIVE_INFINITY

  constructor(generationMs: number) {
    this.#generationMs = generationMs
  }

  /** How many are remembered. */
  get size(): number {
    return this.#young.size + this.#old.size
  }

  add(id: string): void {
    this.#young.add(id)
  }

  has(id: string): boolean {
    return this.#young.has(id) || this.#old.has(id)
  }

  tick(nowMs: number): void {
    if (nowMs - this.#bornMs < this.#generationMs) return
    this.#old = this.#young
    this.#young = new Generation()
    this.#bornMs = nowMs
  }
}
