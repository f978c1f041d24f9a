import type { SeriesColumns, Work } from '../contract.ts'
import type { VectorSelector } from '../syntax/ast.ts'
import type { Query } from './query.ts'
import { type Column, emptyColumn, type Grid, isPresentAnywhere } from './value.ts'

/** The instants a selector looks at: `first + i * step`; step 0 where `@` fixes them. */
export interface Instants {
  readonly first: number
  readonly step: number
  readonly last: number
}

/** Applies `@` and `offset` to a grid. */
export function instantsOf(
  query: Query,
  selector: Pick<VectorSelector, 'at' | 'offsetMs'>,
  grid: Grid,
): Instants {
  const fixed = query.fixedTime(selector.at)
  const first = (fixed ?? grid.startMs) - selector.offsetMs
  const step = fixed === undefined ? grid.stepMs : 0
  return { first, step, last: first + step * (grid.steps - 1) }
}

/**
 * The newest sample of each series within the lookback before each instant, left end open. A stale marker ends a series at
 * once. With `what` 'time' the columns hold the samples' own times in seconds instead of their values.
 */
export function* selectInstant(
  query: Query,
  selector: VectorSelector,
  grid: Grid,
  what: 'value' | 'time' = 'value',
): Work<readonly Column[]> {
  const instants = instantsOf(query, selector, grid)
  const series = yield* query.select(selector, instants.first - query.lookbackMs, instants.last)
  query.spend(series.length * grid.steps)
  const columns: Column[] = []
  for (const one of series) {
    if (query.isTurnOver(grid.steps)) yield
    const column = emptyColumn(one.labels, grid.steps)
    fillNewest(one, instants, query.lookbackMs, what, column)
    if (isPresentAnywhere(column)) columns.push(column)
  }
  return columns
}

function fillNewest(
  series: SeriesColumns,
  { first, step }: Instants,
  lookbackMs: number,
  what: 'value' | 'time',
  { values, present }: Column,
): void {
  const { timestamps, stale, to } = series
  const source = what === 'value' ? series.values : timestamps
  const unit = what === 'value' ? 1 : 1000
  let next = series.from
  // Most instant queries want the very last sample.
  if (values.length === 1 && to > next && timestamps[to - 1]! <= first) next = to
  for (let i = 0; i < values.length; i++) {
    const instant = first + i * step
    while (next < to && timestamps[next]! <= instant) next++
    const newest = next - 1
    if (newest < series.from || timestamps[newest]! <= instant - lookbackMs) continue
    if (stale !== undefined && stale[newest] === 1) continue
    values[i] = source[newest]! / unit
    present[i] = 1
  }
}
