/** What an alert would have done over a stretch of history: its values on the grid on which rules are evaluated. */

/** One series over the grid; NaN where it has no value. Unknown is not 0: a gap ends whatever went on before it. */
export type GridValues = Float64Array

/**
 * How often an alert over a limit would have fired: at the first evaluation at which it had been over for `forSteps` steps without
 * a gap, once until it is not (Prometheus, rules/alerting.go).
 */
export function firings(values: GridValues, limit: number, forSteps: number): number {
  let since = -1
  let count = 0
  let fired = false
  for (let i = 0; i < values.length; i++) {
    if (!(values[i]! > limit)) {
      since = -1
      fired = false
      continue
    }
    if (since < 0) since = i
    if (!fired && i - since >= forSteps) {
      fired = true
      count++
    }
  }
  return count
}

/**
 * For each window of the grid the highest value that was held throughout `forSteps` steps that end in it: a limit below it would
 * have fired there, one above not. Where no run without a gap is as long, the longest there are decide. NaN for a window without
 * any value.
 */
export function sustained(values: GridValues, windowSteps: number, forSteps: number): Float64Array {
  const held = new Float64Array(Math.ceil(values.length / windowSteps)).fill(Number.NaN)
  const raise = (i: number, value: number): void => {
    const window = Math.floor(i / windowSteps)
    if (!(held[window]! >= value)) held[window] = value
  }
  /** Indexes of ascending values: the first is the lowest of the last `forSteps` steps. */
  const lowest: number[] = []
  let first = 0
  let runStart = -1
  const endRun = (end: number): void => {
    if (runStart >= 0 && end - runStart <= forSteps) raise(end - 1, values[lowest[first]!]!)
    runStart = -1
    lowest.length = 0
    first = 0
  }
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!
    if (Number.isNaN(value)) {
      endRun(i)
      continue
    }
    if (runStart < 0) runStart = i
    while (lowest.length > first && values[lowest.at(-1)!]! >= value) lowest.pop()
    lowest.push(i)
    while (lowest[first]! < i - forSteps) first++
    if (i - runStart >= forSteps) raise(i, values[lowest[first]!]!)
  }
  endRun(values.length)
  return held
}

/** Number of steps at which there is a value. */
export const known = (values: GridValues): number =>
  values.reduce((sum, v) => (Number.isNaN(v) ? sum : sum + 1), 0)

/** A quantile by linear interpolation of values in any order; NaN of none. */
export function quantileOf(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const at = q * (sorted.length - 1)
  const low = sorted[Math.floor(at)] ?? Number.NaN
  const high = sorted[Math.ceil(at)] ?? Number.NaN
  return low + (high - low) * (at - Math.floor(at))
}
