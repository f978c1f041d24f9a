import { BoundedMap, compareText, compileMatcher, type Labels } from '../base/index.ts'
import { newSeries, type Series } from './block.ts'
import type { Matcher } from './contract.ts'

/** Answers of whole matcher lists that are remembered, and the series in all of them together (8 bytes each). */
const REMEMBERED_SELECTIONS = 256
const REMEMBERED_SERIES = 1_000_000

/** Series sorted or merged between two pauses: about a millisecond. */
const SERIES_PER_PIECE = 2048

/** The answer to a list of matchers, sorted by labels; every series with a lower id than `upTo` was looked at. */
interface Selection {
  readonly series: readonly Series[]
  readonly upTo: number
}

/**
 * The series by label: name to value to sorted series ids. Lists are intersected smallest first; a matcher that accepts the empty
 * value takes the series of refused values away instead, because series without the label match it too.
 */
export class LabelIndex {
  readonly #byKey = new Map<string, Series>()
  readonly #byId = new Map<number, Series>()
  readonly #postings = new Map<string, Map<string, number[]>>()
  readonly #selections = new BoundedMap<string, Selection>(
    REMEMBERED_SELECTIONS,
    (_key, { series }) => void (this.#remembered -= series.length),
  )
  #remembered = 0
  #nextId = 1
  #removals = 0

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
    return series
  }

  remove(gone: readonly Series[]): void {
    if (gone.length === 0) return
    this.#removals++
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
    this.#remembered = 0
  }

  /**
   * Every series that satisfies all matchers, sorted by labels; all series for no matcher.
   *
   * @throws CeleriacError QUERY_INVALID on a regex that does not compile.
   */
  select(matchers: readonly Matcher[]): readonly Series[] {
    const work = this.selecting(matchers)
    for (;;) {
      const step = work.next()
      if (step.done === true) return step.value
    }
  }

  /** The same as work that may be paused. What was found before is remembered: only series that came since are looked at. */
  *selecting(matchers: readonly Matcher[]): Generator<void, readonly Series[], void> {
    const key = matchers.map(({ name, op, value }) => `${name}\u0000${op}\u0000${value}`).join('\u0001')
    const known = this.#selections.get(key)
    if (known?.upTo === this.#nextId) return known.series
    const upTo = this.#nextId
    const removals = this.#removals
    const found = this.#ids(matchers, known?.upTo ?? 0).flatMap(id => this.#byId.get(id) ?? [])
    const added = yield* sorted(found)
    const series = known === undefined ? added : yield* merged(known.series, added)
    // Series that went while this was paused must not be remembered.
    if (removals === this.#removals) this.#remember(key, { series, upTo })
    return series
  }

  #remember(key: string, selection: Selection): void {
    this.#remembered += selection.series.length - (this.#selections.get(key)?.series.length ?? 0)
    this.#selections.set(key, selection)
    for (const [oldest, { series }] of this.#selections.entries()) {
      if (this.#remembered <= REMEMBERED_SERIES) return
      this.#selections.delete(oldest)
      this.#remembered -= series.length
    }
  }

  /** Ids of the series that match, ascending, from an id on. */
  #ids(matchers: readonly Matcher[], from: number): readonly number[] {
    const wanted: (readonly number[])[] = []
    const unwanted: (readonly number[])[] = []
    for (const matcher of matchers) {
      const values = this.#postings.get(matcher.name)
      const test = compileMatcher(matcher)
      if (test('')) {
        for (const [value, ids] of values ?? []) if (!test(value)) unwanted.push(since(ids, from))
      } else if (matcher.op === '=') {
        wanted.push(since(values?.get(matcher.value) ?? [], from))
      } else {
        const accepted: (readonly number[])[] = []
        for (const [value, ids] of values ?? []) if (test(value)) accepted.push(since(ids, from))
        wanted.push(unite(accepted))
      }
    }
    wanted.sort((a, b) => a.length - b.length)
    const [smallest = since([...this.#byId.keys()], from), ...others] = wanted
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

/** What of an ascending list is not below a bound. */
function since(ids: readonly number[], from: number): readonly number[] {
  if ((ids[0] ?? Infinity) >= from) return ids
  return (ids.at(-1) ?? -Infinity) < from ? [] : ids.slice(lowerBound(ids, from, 0))
}

/** The first index from `start` on whose id is not below a bound. */
function lowerBound(ids: readonly number[], bound: number, start: number): number {
  let from = start
  let to = ids.length
  while (from < to) {
    const middle = (from + to) >>> 1
    if ((ids[middle] ?? Infinity) < bound) from = middle + 1
    else to = middle
  }
  return from
}

function intersect(small: readonly number[], large: readonly number[]): readonly number[] {
  const both: number[] = []
  let from = 0
  for (const id of small) {
    // Binary search from where the last one was found: lists of very different length meet here.
    from = lowerBound(large, id, from)
    if (large[from] === id) both.push(id)
  }
  return both
}

/** A key is names and values joined by NUL, below all that a label may hold: keys stand in the order of their label sets. */
const byLabels = (a: { readonly labels: Labels }, b: { readonly labels: Labels }): number =>
  compareText(a.labels.key, b.labels.key)

/** Sorts in pieces, which are merged two by two. */
function* sorted(series: Series[]): Generator<void, readonly Series[], void> {
  if (series.length <= SERIES_PER_PIECE) return series.sort(byLabels)
  const middle = series.length >>> 1
  const left = yield* sorted(series.slice(0, middle))
  yield
  const right = yield* sorted(series.slice(middle))
  return yield* merged(left, right)
}

function* merged(
  left: readonly Series[],
  right: readonly Series[],
): Generator<void, readonly Series[], void> {
  if (left.length === 0) return right
  if (right.length === 0) return left
  const series: Series[] = []
  let l = 0
  let r = 0
  while (l < left.length && r < right.length) {
    const a = left[l]!
    const b = right[r]!
    if (byLabels(a, b) <= 0) {
      series.push(a)
      l++
    } else {
      series.push(b)
      r++
    }
    if (series.length % SERIES_PER_PIECE === 0) yield
  }
  return series.concat(l < left.length ? left.slice(l) : right.slice(r))
}
