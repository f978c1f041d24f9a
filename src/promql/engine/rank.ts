import type { Labels } from '../../base/index.ts'
import type { Work } from '../contract.ts'
import { quantileOf, sortingRoom } from '../functions/numerics.ts'
import { formatPlain } from '../syntax/literals.ts'
import { type Group, groupColumns } from './group.ts'
import { failed, type Query } from './query.ts'
import { type Column, emptyColumn } from './value.ts'

const INT64 = 2 ** 63

/** The quantile of each group's values, by a φ that may change from step to step. */
export function* quantiles(
  query: Query,
  groups: readonly Group[],
  phi: Float64Array,
  steps: number,
): Work<readonly Column[]> {
  query.spend(groups.length * steps)
  const results: Column[] = []
  for (const { labels, members } of groups) {
    const out = emptyColumn(labels, steps)
    for (let i = 0; i < steps; i++) {
      if (query.isTurnOver(0, members.length)) yield
      const room = sortingRoom(members.length)
      let count = 0
      for (const member of members) if (member.present[i] === 1) room[count++] = member.values[i]!
      if (count === 0) continue
      out.values[i] = quantileOf(phi[i]!, room.subarray(0, count))
      out.present[i] = 1
    }
    results.push(out)
  }
  return results
}

/**
 * `topk` and `bottomk`: the members themselves where they are among the k best of their group. On a single step they come
 * best first; over a range in their own order.
 */
export function* ranked(
  query: Query,
  groups: readonly Group[],
  k: Float64Array,
  top: boolean,
  steps: number,
): Work<readonly Column[]> {
  for (const value of k) {
    if (Number.isNaN(value))
      throw failed('Parameter value is NaN', 'topk and bottomk need a number of series.')
    if (value >= INT64 || value < -INT64) throw failed(`Scalar value ${value} overflows int64`)
  }
  const results: Column[] = []
  for (const { members } of groups) {
    const masks = new Map<number, Uint8Array>()
    let order: readonly number[] = []
    for (let i = 0; i < steps; i++) {
      if (query.isTurnOver(0, members.length)) yield
      const best = new Best(members, i, Math.trunc(k[i]!), top)
      for (let m = 0; m < members.length; m++) if (members[m]!.present[i] === 1) best.offer(m)
      for (const member of best.heap) {
        let mask = masks.get(member)
        if (mask === undefined) {
          query.spend(steps)
          mask = new Uint8Array(steps)
          masks.set(member, mask)
        }
        mask[i] = 1
      }
      if (steps === 1) order = best.sorted()
    }
    if (steps > 1) order = [...masks.keys()].sort((a, b) => a - b)
    for (const member of order) {
      const { labels, values } = members[member]!
      results.push({ labels, values, present: masks.get(member)! })
    }
  }
  return results
}

/**
 * The k best of one step as a binary heap with the worst on top. Which of equal values stay depends on the heap's moves;
 * they are those of Go's container/heap, so that ties fall as in Prometheus.
 */
class Best {
  readonly heap: number[] = []
  readonly #members: readonly Column[]
  readonly #step: number
  readonly #k: number
  readonly #top: boolean

  constructor(members: readonly Column[], step: number, k: number, top: boolean) {
    this.#members = members
    this.#step = step
    this.#k = k
    this.#top = top
  }

  offer(member: number): void {
    const { heap } = this
    if (heap.length < this.#k) {
      heap.push(member)
      this.#up(heap.length - 1)
      return
    }
    if (heap.length === 0) return
    const worst = this.#value(heap[0]!)
    const value = this.#value(member)
    const better = this.#top ? worst < value : worst > value
    if (!better && !(Number.isNaN(worst) && !Number.isNaN(value))) return
    heap[0] = member
    this.#down()
  }

  /** Best first, NaN last; equal values in the order of the heap. */
  sorted(): readonly number[] {
    return [...this.heap].sort((a, b) => Number(this.#worse(a, b)) - Number(this.#worse(b, a)))
  }

  #value(member: number): number {
    return this.#members[member]!.values[this.#step]!
  }

  #worse(a: number, b: number): boolean {
    const x = this.#value(a)
    const y = this.#value(b)
    if (Number.isNaN(x)) return true
    return this.#top ? x < y : x > y
  }

  #up(start: number): void {
    const { heap } = this
    let child = start
    while (child > 0) {
      const parent = (child - 1) >> 1
      if (!this.#worse(heap[child]!, heap[parent]!)) break
      this.#swap(child, parent)
      child = parent
    }
  }

  #down(): void {
    const { heap } = this
    let parent = 0
    for (;;) {
      const left = 2 * parent + 1
      if (left >= heap.length) break
      const right = left + 1
      const child = right < heap.length && this.#worse(heap[right]!, heap[left]!) ? right : left
      if (!this.#worse(heap[child]!, heap[parent]!)) break
      this.#swap(parent, child)
      parent = child
    }
  }

  #swap(a: number, b: number): void {
    const kept = this.heap[a]!
    this.heap[a] = this.heap[b]!
    this.heap[b] = kept
  }
}

/** `count_values`: per group and distinct value a series that counts it, the value in `label`. */
export function* countValues(
  query: Query,
  columns: readonly Column[],
  grouping: { readonly without: boolean; readonly labels: readonly string[] } | undefined,
  label: string,
  steps: number,
): Work<readonly Column[]> {
  if (label === '') throw failed('invalid label name "" in count_values()')
  // The new label replaces an old one of that name, so the old one must not split groups.
  const without = grouping?.without === true
  const others = grouping?.labels.filter(name => name !== label)
  const rest = others === undefined ? undefined : { without, labels: without ? [...others, label] : others }
  const groups = yield* groupColumns(query, columns, rest)
  const hidden = without && grouping.labels.includes(label)
  const results: Column[] = []
  for (const { labels, members } of groups) {
    const counts = new Map<string, Column>()
    for (const member of members) {
      if (query.isTurnOver(steps)) yield
      for (let i = 0; i < steps; i++) {
        if (member.present[i] === 0) continue
        const text = hidden ? '' : formatPlain(member.values[i]!)
        let out = counts.get(text)
        if (out === undefined) {
          query.spend(steps)
          out = emptyColumn(withValue(labels, label, text), steps)
          counts.set(text, out)
        }
        out.values[i]! += 1
        out.present[i] = 1
      }
    }
    for (const out of counts.values()) results.push(out)
  }
  return results
}

const withValue = (labels: Labels, label: string, text: string): Labels =>
  text === '' ? labels : labels.with(label, text)
