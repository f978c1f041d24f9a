interface Runtime {
  runs: number
  longestMs: number
}

/** So many runs of a task must have been seen before the longest of them says anything of the next. */
const ENOUGH_RUNS = 20

/** By name of task: whether it was ever received, and how long its longest run took that succeeded. Bounded: further names are not noted. */
export class Runtimes {
  readonly #names = new Map<string, Runtime>()
  readonly #capacity: number

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  received(name: string): void {
    if (!this.#names.has(name) && this.#names.size < this.#capacity)
      this.#names.set(name, { runs: 0, longestMs: 0 })
  }

  isReceived(name: string): boolean {
    return this.#names.has(name)
  }

  succeeded(name: string, runtimeMs: number): void {
    const runtime = this.#names.get(name)
    if (runtime === undefined) return
    runtime.runs++
    if (runtimeMs > runtime.longestMs) runtime.longestMs = runtimeMs
  }

  /** NaN while too few runs were seen. */
  longestMs(name: string): number {
    const runtime = this.#names.get(name)
    return runtime !== undefined && runtime.runs >= ENOUGH_RUNS ? runtime.longestMs : Number.NaN
  }
}
