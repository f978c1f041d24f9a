import type { RangeSeries, Windows } from '../engine/windows.ts'
import type { Column, Grid } from '../engine/value.ts'

/** The other arguments of a function over ranges: one value a step each. */
export interface KernelFrame {
  readonly grid: Grid
  readonly scalars: readonly Float64Array[]
  /** Told how many samples a window is about to visit; may end the query. Windows overlap, so this can be far more than were read. */
  readonly visit: (samples: number) => void
}

/** Computes the whole column of one series from its windows; writes `values` and `present` of steps that have a result. */
export type RangeKernel = (series: RangeSeries, windows: Windows, out: Column, frame: KernelFrame) => void

/** A kernel from a function of one non-empty window. */
export const perWindow =
  (compute: (values: Float64Array, lo: number, hi: number) => number): RangeKernel =>
  ({ values }, { lo, hi }, out, frame) => {
    for (let i = 0; i < out.values.length; i++) {
      const low = lo[i]!
      const high = hi[i]!
      if (low === high) continue
      frame.visit(high - low)
      out.values[i] = compute(values, low, high)
      out.present[i] = 1
    }
  }

/** The i-th scalar argument; a missing one is a fault of the caller. */
export function scalarArgument(frame: KernelFrame, index: number): Float64Array {
  const values = frame.scalars[index]
  if (values === undefined) throw new RangeError(`scalar argument ${index} is missing`)
  return values
}
