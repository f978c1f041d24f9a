import { type RangeKernel, perWindow, scalarArgument } from './kernel.ts'
import { CompensatedSum, Mean, quantileOf, sortingRoom } from './numerics.ts'

const sum = perWindow((values, lo, hi) => {
  const total = new CompensatedSum()
  for (let i = lo; i < hi; i++) total.add(values[i]!)
  return total.value
})

const average = perWindow((values, lo, hi) => {
  const mean = new Mean()
  for (let i = lo; i < hi; i++) mean.add(values[i]!)
  return mean.value
})

const minimum = perWindow((values, lo, hi) => {
  let least = values[lo]!
  for (let i = lo + 1; i < hi; i++) {
    const value = values[i]!
    if (value < least || Number.isNaN(least)) least = value
  }
  return least
})

const maximum = perWindow((values, lo, hi) => {
  let most = values[lo]!
  for (let i = lo + 1; i < hi; i++) {
    const value = values[i]!
    if (value > most || Number.isNaN(most)) most = value
  }
  return most
})

/** Welford's method with compensated mean and sum of squares. */
function variance(values: Float64Array, lo: number, hi: number): number {
  const mean = new CompensatedSum()
  const squares = new CompensatedSum()
  for (let i = lo; i < hi; i++) {
    const delta = values[i]! - mean.value
    mean.add(delta / (i - lo + 1))
    squares.add(delta * (values[i]! - mean.value))
  }
  return squares.value / (hi - lo)
}

const changes = perWindow((values, lo, hi) => {
  let count = 0
  for (let i = lo + 1; i < hi; i++) {
    const before = values[i - 1]!
    const value = values[i]!
    if (value !== before && !(Number.isNaN(value) && Number.isNaN(before))) count++
  }
  return count
})

const resets = perWindow((values, lo, hi) => {
  let count = 0
  for (let i = lo + 1; i < hi; i++) if (values[i]! < values[i - 1]!) count++
  return count
})

/** Sorting a value takes about as long as adding this many. */
const SORTING_EFFORT = 16

const quantile: RangeKernel = ({ values }, { lo, hi }, out, frame) => {
  const phi = scalarArgument(frame, 0)
  for (let i = 0; i < out.values.length; i++) {
    const low = lo[i]!
    const high = hi[i]!
    if (low === high) continue
    frame.visit((high - low) * SORTING_EFFORT)
    const sorted = sortingRoom(high - low)
    for (let j = low; j < high; j++) sorted[j - low] = values[j]!
    out.values[i] = quantileOf(phi[i]!, sorted)
    out.present[i] = 1
  }
}

/** Functions of all values in a window, as Prometheus documents them under `<aggregation>_over_time`, and their kin. */
export const OVER_TIME = {
  avg_over_time: average,
  changes,
  count_over_time: perWindow((_values, lo, hi) => hi - lo),
  last_over_time: perWindow((values, _lo, hi) => values[hi - 1]!),
  max_over_time: maximum,
  min_over_time: minimum,
  present_over_time: perWindow(() => 1),
  quantile_over_time: quantile,
  resets,
  stddev_over_time: perWindow((values, lo, hi) => Math.sqrt(variance(values, lo, hi))),
  stdvar_over_time: perWindow(variance),
  sum_over_time: sum,
} as const satisfies Readonly<Record<string, RangeKernel>>
