import type { RangeSeries } from './series.ts'

/** A stretch of time in which an alert was pending or firing, in epoch seconds. */
export interface Band {
  readonly state: 'pending' | 'firing'
  readonly from: number
  readonly to: number
}

/**
 * The bands of a range answer to `ALERTS{alertname="..."}`. Where any instance fires the band is firing, otherwise where any is
 * pending it is pending. A band reaches to the next instant, so that a single one is still seen.
 */
export function bandsOf(result: readonly RangeSeries[], instants: readonly number[]): Band[] {
  const first = instants[0] ?? 0
  const step = instants.length > 1 ? (instants[1] ?? 0) - first : 1
  const state = new Uint8Array(instants.length)
  for (const series of result) {
    const rank = series.metric.alertstate === 'firing' ? 2 : series.metric.alertstate === 'pending' ? 1 : 0
    for (const [seconds, value] of series.values) {
      const i = Math.round((seconds - first) / step)
      if (i >= 0 && i < state.length && Number(value) > 0) state[i] = Math.max(state[i] ?? 0, rank)
    }
  }
  const bands: Band[] = []
  const end = instants.at(-1) ?? first
  for (let i = 0; i < state.length;) {
    const rank = state[i] ?? 0
    let j = i
    while (j < state.length && state[j] === rank) j++
    if (rank > 0)
      bands.push({
        state: rank === 2 ? 'firing' : 'pending',
        from: first + i * step,
        to: Math.min(end, first + j * step),
      })
    i = j
  }
  return bands
}
