import type { Labels } from '../../base/index.ts'
import type { Work } from '../contract.ts'
import type { Query } from '../engine/query.ts'
import type { Column } from '../engine/value.ts'
import { dropName, emptyColumn, joinEqual } from '../engine/value.ts'
import { parseBound } from './numerics.ts'

/** Relative differences between bucket counts below this are rounding, not decreases. */
const TOLERANCE = 1e-12
const SMALLEST_NORMAL = 2.2250738585072014e-308
const LE: ReadonlySet<string> = new Set(['le'])

interface Bucket {
  readonly bound: number
  readonly column: Column
}

/** The buckets of one histogram that are present at one step, ascending by bound; counts are cumulative. */
export interface Buckets {
  readonly bounds: Float64Array
  readonly counts: Float64Array
  size: number
}

/** Series by histogram: equal labels without `le`, buckets ascending. `onBadBound` is told of series without a usable `le`. */
function* groupBuckets(
  query: Query,
  columns: readonly Column[],
  onBadBound: (labels: Labels) => void,
): Work<{ readonly labels: Labels; readonly buckets: readonly Bucket[] }[]> {
  const groups = new Map<string, { labels: Labels; buckets: Bucket[] }>()
  for (const column of columns) {
    if (query.isTurnOver(0)) yield
    const bound = parseBound(column.labels.get('le'))
    if (bound === undefined) {
      onBadBound(column.labels)
      continue
    }
    const rest = column.labels.without(LE)
    const group = groups.get(rest.key) ?? { labels: rest, buckets: [] }
    if (group.buckets.length === 0) groups.set(rest.key, group)
    group.buckets.push({ bound, column })
  }
  for (const { buckets } of groups.values()) buckets.sort((a, b) => a.bound - b.bound)
  return [...groups.values()]
}

/**
 * Evaluates a function of the buckets of each classic histogram at each step. Buckets with equal bounds are added up.
 * The result loses `le` and the metric name.
 */
export function* overHistograms(
  query: Query,
  columns: readonly Column[],
  steps: number,
  compute: (buckets: Buckets, step: number) => number,
  onBadBound: (labels: Labels) => void,
): Work<readonly Column[]> {
  const results: Column[] = []
  for (const { labels, buckets } of yield* groupBuckets(query, columns, onBadBound)) {
    if (query.isTurnOver(steps, buckets.length)) yield
    const out = emptyColumn(dropName(labels), steps)
    const gathered: Buckets = {
      bounds: new Float64Array(buckets.length),
      counts: new Float64Array(buckets.length),
      size: 0,
    }
    for (let step = 0; step < steps; step++) {
      gather(buckets, step, gathered)
      if (gathered.size === 0) continue
      out.values[step] = compute(gathered, step)
      out.present[step] = 1
    }
    results.push(out)
  }
  return yield* joinEqual(query, results)
}

function gather(buckets: readonly Bucket[], step: number, into: Buckets): void {
  const { bounds, counts } = into
  let size = 0
  for (const { bound, column } of buckets) {
    if (column.present[step] === 0) continue
    const count = column.values[step]!
    if (size > 0 && bounds[size - 1] === bound) {
      counts[size - 1]! += count
    } else {
      bounds[size] = bound
      counts[size++] = count
    }
  }
  into.size = size
}

/**
 * The φ-quantile by linear interpolation inside a bucket, from 0 in a first bucket above it. Decreasing counts are raised;
 * `onForced` is told when that was more than rounding (Prometheus "histogram_quantile()", `bucketQuantile`).
 */
export function quantileOfBuckets(phi: number, buckets: Buckets, onForced: () => void): number {
  if (Number.isNaN(phi)) return NaN
  if (phi < 0) return -Infinity
  if (phi > 1) return Infinity
  const { bounds, counts, size } = buckets
  if (bounds[size - 1] !== Infinity) return NaN
  if (raiseDecreases(counts, size)) onForced()
  if (size < 2) return NaN
  const observations = counts[size - 1]!
  if (observations === 0) return NaN
  let rank = phi * observations
  let at = 0
  // The first bucket that holds the rank; NaN counts are passed over.
  let high = size - 1
  while (at < high) {
    const middle = (at + high) >> 1
    if (counts[middle]! >= rank) high = middle
    else at = middle + 1
  }
  if (at === size - 1) return bounds[size - 2]!
  const end = bounds[at]!
  if (at === 0 && end <= 0) return end
  let start = 0
  let count = counts[at]!
  if (at > 0) {
    start = bounds[at - 1]!
    count -= counts[at - 1]!
    rank -= counts[at - 1]!
  }
  return start + (end - start) * (rank / count)
}

function raiseDecreases(counts: Float64Array, size: number): boolean {
  let forced = false
  let previous = counts[0]!
  for (let i = 1; i < size; i++) {
    const count = counts[i]!
    if (count === previous) continue
    if (almostEqual(previous, count)) {
      counts[i] = previous
    } else if (count < previous) {
      counts[i] = previous
      forced = true
    } else {
      previous = count
    }
  }
  return forced
}

function almostEqual(a: number, b: number): boolean {
  if (Number.isNaN(a) && Number.isNaN(b)) return true
  const sum = Math.abs(a) + Math.abs(b)
  const difference = Math.abs(a - b)
  if (a === 0 || b === 0 || sum < SMALLEST_NORMAL) return difference < TOLERANCE * SMALLEST_NORMAL
  return difference / Math.min(sum, Number.MAX_VALUE) < TOLERANCE
}

/** The share of observations between two bounds, interpolated like the quantile (Prometheus "histogram_fraction()"). */
export function fractionOfBuckets(lower: number, upper: number, { bounds, counts, size }: Buckets): number {
  if (bounds[size - 1] !== Infinity) return NaN
  const total = counts[size - 1]!
  if (total === 0 || Number.isNaN(total) || Number.isNaN(lower) || Number.isNaN(upper)) return NaN
  if (lower >= upper) return 0
  return (rankOf(upper, bounds, counts, size) - rankOf(lower, bounds, counts, size)) / total
}

/** How many observations lie below a value. */
function rankOf(value: number, bounds: Float64Array, counts: Float64Array, size: number): number {
  const total = counts[size - 1]!
  let below = 0
  for (let i = 0; i < size; i++) {
    const end = bounds[i]!
    const count = counts[i]!
    if (value < end) {
      // A first bucket above zero begins at zero; one that reaches below has no known begin and counts in full.
      const start = i > 0 ? bounds[i - 1]! : end > 0 ? 0 : -Infinity
      if (value === -Infinity || (i === 0 && start === 0 && value <= 0)) return 0
      if (start === -Infinity) return Math.min(count, total)
      // Nothing can be interpolated in a bucket without an end.
      const share = end === Infinity ? 0 : (value - start) / (end - start)
      return Math.min(below + (count - below) * share, total)
    }
    below = count
  }
  return total
}
