/** Things in the order of their deadlines, each no earlier than the one added before it. */
export class Deadlines<T> {
  #things: T[] = []
  #times: number[] = []
  #head = 0

  due(nowMs: number): boolean {
    return this.#head < this.#things.length && this.#times[this.#head]! <= nowMs
  }

  add(thing: T, atMs: number): void {
    this.#things.push(thing)
    this.#times.push(atMs)
  }

  /** Takes the first whose time has come, or undefined. */
  take(nowMs: number): T | undefined {
    if (!this.due(nowMs)) return undefined
    const thing = this.#things[this.#head++]
    if (this.#head > 1024 && this.#head * 2 > this.#things.length) {
      this.#things = this.#things.slice(this.#head)
      this.#times = this.#times.slice(this.#head)
      this.#head = 0
    }
    return thing
  }
}
