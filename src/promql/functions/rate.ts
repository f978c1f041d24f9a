import type { RangeSeries } from '../engine/windows.ts'
import type { RangeKernel } from './kernel.ts'

/** Gaps longer than this many average intervals at a window's edge are not extrapolated over in full. */
const EXTRAPOLATION_THRESHOLD = 1.1

/** Indexes of samples that are lower than the one before: a counter was reset. Found once per series. */
function resetsOf({ values, from, to }: RangeSeries): readonly number[] {
  const found: number[] = []
  for (let i = from + 1; i < to; i++) if (values[i]! < values[i - 1]!) found.push(i)
  return found
}

const NO_RESETS: readonly number[] = []

/**
 * `rate`, `increase` and `delta`: the difference over a window, extrapolated to its edges, though for counters not below
 * zero (Prometheus "rate()" and `extrapolatedRate`: the clamp at zero comes after the threshold since 3.0).
 */
const extrapolated =
  (counter: boolean, perSecond: boolean): RangeKernel =>
  (series, windows, out) => {
    const { timestamps, values } = series
    const { lo, hi, rangeMs } = windows
    const resets = counter ? resetsOf(series) : NO_RESETS
    let nextReset = 0
    for (let i = 0; i < out.values.length; i++) {
      const first = lo[i]!
      const last = hi[i]! - 1
      if (last <= first) continue
      const firstTime = timestamps[first]!
      const lastTime = timestamps[last]!
      const firstValue = values[first]!
      let difference = values[last]! - firstValue
      while (nextReset < resets.length && resets[nextReset]! <= first) nextReset++
      for (let r = nextReset; r < resets.length && resets[r]! <= last; r++)
        difference += values[resets[r]! - 1]!

      const end = windows.endOf(i)
      const covered = (lastTime - firstTime) / 1000
      const interval = covered / (last - first)
      const threshold = interval * EXTRAPOLATION_THRESHOLD
      let before = (firstTime - (end - rangeMs)) / 1000
      let after = (end - lastTime) / 1000
      if (before >= threshold) before = interval / 2
      if (counter && difference > 0 && firstValue >= 0)
        before = Math.min(before, covered * (firstValue / difference))
      if (after >= threshold) after = interval / 2
      let factor = (covered + before + after) / covered
      if (perSecond) factor /= rangeMs / 1000
      out.values[i] = difference * factor
      out.present[i] = 1
    }
  }

/** `irate` and `idelta`: from the last two samples alone. */
const instantaneous =
  (perSecond: boolean): RangeKernel =>
  ({ timestamps, values }, { lo, hi }, out) => {
    for (let i = 0; i < out.values.length; i++) {
      const last = hi[i]! - 1
      if (last <= lo[i]!) continue
      const seconds = (timestamps[last]! - timestamps[last - 1]!) / 1000
      const value = values[last]!
      const before = values[last - 1]!
      const difference = perSecond && value < before ? value : value - before
      out.values[i] = perSecond ? difference / seconds : difference
      out.present[i] = 1
    }
  }

/** Functions of the change of a counter or gauge. */
export const RATES = {
  delta: extrapolated(false, false),
  idelta: instantaneous(false),
  increase: extrapolated(true, false),
  irate: instantaneous(true),
  rate: extrapolated(true, true),
} as const satisfies Readonly<Record<string, RangeKernel>>

/** What a counter's name ends in; `rate` and `increase` remark on other names. */
export const COUNTER_SUFFIXES: readonly string[] = ['_total', '_sum', '_count', '_bucket']
