/**
 * A map that holds at most `capacity` entries and forgets the least recently set one first. Reading does not refresh.
 * `onEvict` is told what was forgotten, so that a caller can count it: forgetting silently is how monitors lie.
 */
export class BoundedMap<K, V> {
  readonly capacity: number
  readonly #map = new Map<K, V>()
  readonly #onEvict: ((key: K, value: V) => void) | undefined

  constructor(capacity: number, onEvict?: (key: K, value: V) => void) {
    if (!Number.isInteger(capacity) || capacity < 1)
      throw new RangeError(`capacity must be a positive integer, got ${capacity}`)
    this.capacity = capacity
    this.#onEvict = onEvict
  }

  get size(): number {
    return this.#map.size
  }

  get(key: K): V | undefined {
    return this.#map.get(key)
  }

  has(key: K): boolean {
    return this.#map.has(key)
  }

  /** Sets and refreshes; evicts the oldest entry when the map is full. */
  set(key: K, value: V): void {
    if (this.#map.delete(key)) {
      this.#map.set(key, value)
      return
    }
    if (this.#map.size >= this.capacity) {
      const oldest = this.#map.entries().next()
      if (!oldest.done) {
        this.#map.delete(oldest.value[0])
        this.#onEvict?.(oldest.value[0], oldest.value[1])
      }
    }
    this.#map.set(key, value)
  }

  delete(key: K): boolean {
    return this.#map.delete(key)
  }

  clear(): void {
    this.#map.clear()
  }

  /** Oldest first. */
  entries(): IterableIterator<[K, V]> {
    return this.#map.entries()
  }

  values(): IterableIterator<V> {
    return this.#map.values()
  }

  keys(): IterableIterator<K> {
    return this.#map.keys()
  }
}
