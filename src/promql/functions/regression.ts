import { timeAt } from '../engine/value.ts'
import { failed } from '../engine/query.ts'
import { type RangeKernel, scalarArgument } from './kernel.ts'
import { CompensatedSum } from './numerics.ts'

interface Line {
  readonly slope: number
  readonly intercept: number
}

/** The least-squares line through a window, with x in seconds from `originMs` (Prometheus `linearRegression`). */
function fit(timestamps: Float64Array, values: Float64Array, lo: number, hi: number, originMs: number): Line {
  const first = values[lo]!
  let constant = true
  const x = new CompensatedSum()
  const y = new CompensatedSum()
  const xy = new CompensatedSum()
  const xx = new CompensatedSum()
  for (let i = lo; i < hi; i++) {
    const value = values[i]!
    if (value !== first) constant = false
    const seconds = (timestamps[i]! - originMs) / 1000
    x.add(seconds)
    y.add(value)
    xy.add(seconds * value)
    xx.add(seconds * seconds)
  }
  if (constant) {
    return Math.abs(first) === Infinity ? { slope: NaN, intercept: NaN } : { slope: 0, intercept: first }
  }
  const count = hi - lo
  const covariance = xy.value - (x.value * y.value) / count
  const spread = xx.value - (x.value * x.value) / count
  const slope = covariance / spread
  return { slope, intercept: y.value / count - (slope * x.value) / count }
}

const deriv: RangeKernel = ({ timestamps, values }, { lo, hi }, out, frame) => {
  for (let i = 0; i < out.values.length; i++) {
    const low = lo[i]!
    const high = hi[i]!
    if (high - low < 2) continue
    frame.visit(high - low)
    out.values[i] = fit(timestamps, values, low, high, timestamps[low]!).slope
    out.present[i] = 1
  }
}

const predictLinear: RangeKernel = ({ timestamps, values }, { lo, hi }, out, frame) => {
  const ahead = scalarArgument(frame, 0)
  for (let i = 0; i < out.values.length; i++) {
    const low = lo[i]!
    const high = hi[i]!
    if (high - low < 2) continue
    frame.visit(high - low)
    const line = fit(timestamps, values, low, high, timeAt(frame.grid, i))
    out.values[i] = line.slope * ahead[i]! + line.intercept
    out.present[i] = 1
  }
}

function demandFactor(name: string, value: number): void {
  if (value > 0 && value < 1) return
  throw failed(`invalid ${name} factor. Expected: 0 < factor < 1, got: ${value}`)
}

/** Holt's linear method: level and trend, each smoothed by its factor. */
const doubleExponentialSmoothing: RangeKernel = ({ values }, { lo, hi }, out, frame) => {
  const levels = scalarArgument(frame, 0)
  const trends = scalarArgument(frame, 1)
  for (let i = 0; i < out.values.length; i++) {
    const low = lo[i]!
    const high = hi[i]!
    const levelFactor = levels[i]!
    const trendFactor = trends[i]!
    demandFactor('smoothing', levelFactor)
    demandFactor('trend', trendFactor)
    if (high - low < 2) continue
    frame.visit(high - low)
    let before = 0
    let level = values[low]!
    let trend = values[low + 1]! - level
    for (let j = low + 1; j < high; j++) {
      if (j > low + 1) trend = trendFactor * (level - before) + (1 - trendFactor) * trend
      before = level
      level = levelFactor * values[j]! + (1 - levelFactor) * (level + trend)
    }
    out.values[i] = level
    out.present[i] = 1
  }
}

/** Functions that fit a line or a trend to a window. */
export const REGRESSIONS = {
  deriv,
  double_exponential_smoothing: doubleExponentialSmoothing,
  predict_linear: predictLinear,
} as const satisfies Readonly<Record<string, RangeKernel>>
