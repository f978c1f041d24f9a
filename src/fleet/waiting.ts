/** What a line holds: one task that was sent and has not started. The links belong to the line it stands in. */
export interface Waiter<W extends Waiter<W>> {
  /** Since when it waits or waited, on our clock: arrival of its `task-sent`, or its ETA. It waits while it stands in a line or in the heap. */
  waitingSinceMs: number
  line: Line<W> | undefined
  before: W | undefined
  after: W | undefined
  /** Place in the heap of tasks that wait for their ETA, or -1. */
  heapIndex: number
}

/** Waiting tasks in the order in which they began to wait. Joining and leaving cost the same however long it is. */
export class Line<W extends Waiter<W>> {
  #first: W | undefined
  #last: W | undefined
  #size = 0

  get first(): W | undefined {
    return this.#first
  }

  get size(): number {
    return this.#size
  }

  join(waiter: W): void {
    waiter.line = this
    waiter.before = this.#last
    waiter.after = undefined
    if (this.#last === undefined) this.#first = waiter
    else this.#last.after = waiter
    this.#last = waiter
    this.#size++
  }

  leave(waiter: W): void {
    if (waiter.before === undefined) this.#first = waiter.after
    else waiter.before.after = waiter.after
    if (waiter.after === undefined) this.#last = waiter.before
    else waiter.after.before = waiter.before
    waiter.line = waiter.before = waiter.after = undefined
    this.#size--
  }
}

/** Tasks whose ETA is yet to come, the nearest first: a binary heap in which every task knows its place, so that any may leave. */
export class EtaHeap<W extends Waiter<W>> {
  readonly #heap: W[] = []

  get size(): number {
    return this.#heap.length
  }

  add(waiter: W): void {
    waiter.heapIndex = this.#heap.length
    this.#heap.push(waiter)
    this.#up(waiter.heapIndex)
  }

  remove(waiter: W): void {
    const index = waiter.heapIndex
    const last = this.#heap.pop()
    waiter.heapIndex = -1
    if (last === undefined || last === waiter) return
    this.#heap[index] = last
    last.heapIndex = index
    this.#up(index)
    this.#down(last.heapIndex)
  }

  /** Takes one whose time has come, or undefined. */
  takeDue(nowMs: number): W | undefined {
    const first = this.#heap[0]
    if (first === undefined || first.waitingSinceMs > nowMs) return undefined
    this.remove(first)
    return first
  }

  #up(index: number): void {
    const heap = this.#heap
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (heap[parent]!.waitingSinceMs <= heap[index]!.waitingSinceMs) return
      this.#swap(parent, index)
      index = parent
    }
  }

  #down(index: number): void {
    const heap = this.#heap
    for (;;) {
      let least = index
      for (const child of [2 * index + 1, 2 * index + 2])
        if (child < heap.length && heap[child]!.waitingSinceMs < heap[least]!.waitingSinceMs) least = child
      if (least === index) return
      this.#swap(least, index)
      index = least
    }
  }

  #swap(a: number, b: number): void {
    const heap = this.#heap
    const one = heap[a]!
    const other = heap[b]!
    heap[a] = other
    heap[b] = one
    other.heapIndex = a
    one.heapIndex = b
  }
}
