import { BoundedMap, compileMatcher, Labels } from '../base/index.ts'
import { newSeries, type Series } from './block.ts'
import type { Matcher } from './contract.ts'

/** Answers of whole matcher lists that are remembered, and the largest one worth it. */
const REMEMBERED_SELECTIONS = 256
const REMEMBERED_SERIES = 20_000

/**
 * The series by label: name to value to sorted series ids. Lists are intersected smallest first; a matcher that accepts the empty
 * value takes the series of refused values away instead, because series without the label match it too.
 */
export class LabelIndex {
  readonly #byKey = new Map<string, Series>()
  readonly #byId = new Map<number, Series>()
  readonly #postings = new Map<string, Map<string, number[]>>()
  readonly #selections = new BoundedMap<string, readonly Series[]>(REMEMBERED_SELECTIONS)
  #nextId = 1

  get size(): number {
    return this.#byKey.size
  }

  find(labels: Labels): Series | undefined {
    return this.#byKey.get(labels.key)
  }

  add(labels: Labels): Series {
    const series = newSeries(this.#nextId++, labels)
    this.#byKey.set(labels.key, series)
    this.#byId.set(series.id, series)
    for (const [name, value] of labels) {
      let values = this.#postings.get(name)
      if (values === undefined) this.#postings.set(name, (values = new Map()))
      const ids = values.get(value)
      // Ids ascend, so that adding at the end keeps the list sorted.
      if (ids === undefined) values.set(value, [series.id])
      else ids.push(series.id)
    }
    this.#selections.clear()
    return series
  }

  remove(gone: readonly Series[]): void {
    if (gone.length === 0) return
    const touched = new Map<string, Set<string>>()
    for (const series of gone) {
      this.#byKey.delete(series.labels.key)
      this.#byId.delete(series.id)
      for (const [name, value] of series.labels) {
        const values = touched.get(name)
        if (values === undefined) touched.set(name, new Set([value]))
        else values.add(value)
      }
    }
    for (const [name, values] of touched) {
      const postings = this.#postings.get(name)
      if (postings === undefined) continue
      for (const value of values) {
        const left = (postings.get(value) ?? []).filter(id => this.#byId.has(id))
        if (left.length === 0) postings.delete(value)
        else postings.set(value, left)
      }
      if (postings.size === 0) this.#postings.delete(name)
    }
    this.#selections.clear()
  }

  /**
   * Every series that satisfies all matchers, sorted by labels; all series for no matcher.
   *
   * @throws CeleriacError QUERY_INVALID on a regex that does not compile.
   */
  select(matchers: readonly Matcher[]): readonly Series[] {
    const key = matchers.map(({ name, op, value }) => `${name}\u0000${op}\u0000${value}`).join('\u0001')
    const known = this.#selections.get(key)
    if (known !== undefined) return known
    const series = this.#ids(matchers)
      .flatMap(id => this.#byId.get(id) ?? [])
      .sort((a, b) => Labels.compare(a.labels, b.labels))
    if (series.length <= REMEMBERED_SERIES) this.#selections.set(key, series)
    return series
  }

  #ids(matchers: readonly Matcher[]): readonly number[] {
    const wanted: (readonly number[])[] = []
    const unwanted: (readonly number[])[] = []
    for (const matcher of matchers) {
      const values = this.#postings.get(matcher.name)
      const test = compileMatcher(matcher)
      if (test('')) {
        for (const [value, ids] of values ?? []) if (!test(value)) unwanted.push(ids)
      } else if (matcher.op === '=') {
        wanted.push(values?.get(matcher.value) ?? [])
      } else {
        const accepted: (readonly number[])[] = []
        for (const [value, ids] of values ?? []) if (test(value)) accepted.push(ids)
        wanted.push(unite(accepted))
      }
    }
    wanted.sort((a, b) => a.length - b.length)
    const [smallest = [...this.#byId.keys()], ...others] = wanted
    let ids = smallest
    for (const other of others) ids = intersect(ids, other)
    if (unwanted.length === 0 || ids.length === 0) return ids
    const refused = new Set<number>()
    for (const list of unwanted) for (const id of list) refused.add(id)
    return ids.filter(id => !refused.has(id))
  }
}

function unite(lists: readonly (readonly number[])[]): readonly number[] {
  const [only] = lists
  if (only !== undefined && lists.length === 1) return only
  // A series has one value a label, so the lists share no id.
  return lists.flat().sort((a, b) => a - b)
}

function intersect(small: readonly number[], large: readonly number[]): readonly number[] {
  const both: number[] = []
  let from = 0
  for (const id of small) {
    let to = large.length
    // Binary search from where the last one was found: lists of very different length meet here.
    while (from < to) {
      const middle = (from + to) >>> 1
      if ((large[middle] ?? Infinity) < id) from = middle + 1
      else to = middle
    }
    if (large[from] === id) both.push(id)
  }
  return both
}
