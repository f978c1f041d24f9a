import type { Labels } from '../../base/index.ts'
import type { SeriesColumns, Work } from '../contract.ts'
import type { Expr, RangeSelector, Span, Subquery } from '../syntax/ast.ts'
import { unwrap } from '../syntax/ast.ts'
import { type Evaluate, failedType } from './evaluation.ts'
import type { Query } from './query.ts'
import { type Instants, instantsOf } from './select.ts'
import type { Column, Grid } from './value.ts'

/** Samples of one series without stale markers, at indexes from (inclusive) to (exclusive). */
export interface RangeSeries {
  readonly labels: Labels
  readonly timestamps: Float64Array
  readonly values: Float64Array
  readonly from: number
  readonly to: number
}

/** A range vector over a grid: at step i the samples in (end − rangeMs, end] with end = first + i * step. */
export interface RangeVector {
  readonly series: readonly RangeSeries[]
  readonly ends: Instants
  readonly rangeMs: number
  /** Where the selector or subquery stands in the source. */
  readonly span: Span
}

/** Evaluates a range selector or a subquery. */
export function* rangeVector(query: Query, expr: Expr, grid: Grid, evaluate: Evaluate): Work<RangeVector> {
  const node = unwrap(expr)
  if (node.type === 'range') return yield* selected(query, node, grid)
  if (node.type === 'subquery') return yield* subquery(query, node, grid, evaluate)
  throw failedType('range vector', expr)
}

function* selected(query: Query, { selector, rangeMs, span }: RangeSelector, grid: Grid): Work<RangeVector> {
  const ends = instantsOf(query, selector, grid)
  const found = yield* query.select(selector, ends.first - rangeMs, ends.last)
  const series = yield* query.map(found, 0, withoutStale)
  return { series: series.filter(one => one.to > one.from), ends, rangeMs, span }
}

function withoutStale(series: SeriesColumns): RangeSeries {
  const { labels, timestamps, values, stale, from, to } = series
  const firstStale = stale === undefined ? -1 : stale.indexOf(1, from)
  if (stale === undefined || firstStale < 0 || firstStale >= to)
    return { labels, timestamps, values, from, to }
  const kept: number[] = []
  for (let i = from; i < to; i++) if (stale[i] === 0) kept.push(i)
  return {
    labels,
    timestamps: Float64Array.from(kept, i => timestamps[i]!),
    values: Float64Array.from(kept, i => values[i]!),
    from: 0,
    to: kept.length,
  }
}

/** The inner expression at multiples of the step in absolute time, from just after the first window's left end. */
function* subquery(query: Query, node: Subquery, grid: Grid, evaluate: Evaluate): Work<RangeVector> {
  const ends = instantsOf(query, node, grid)
  const stepMs = node.stepMs ?? query.defaultSubqueryStepMs
  const leftEnd = ends.first - node.rangeMs
  let startMs = Math.trunc(leftEnd / stepMs) * stepMs
  if (startMs <= leftEnd) startMs += stepMs
  const { rangeMs, span } = node
  if (startMs > ends.last) return { series: [], ends, rangeMs, span }
  const inner: Grid = { startMs, stepMs, steps: Math.floor((ends.last - startMs) / stepMs) + 1 }
  const value = yield* evaluate(query, node.expr, inner)
  if (value.kind !== 'vector') throw failedType('instant vector', node.expr)
  const timestamps = Float64Array.from({ length: inner.steps }, (_, i) => startMs + i * stepMs)
  const series = yield* query.map(value.columns, inner.steps, column => samplesOf(column, timestamps))
  return { series, ends, rangeMs, span }
}

function samplesOf({ labels, values, present }: Column, timestamps: Float64Array): RangeSeries {
  if (!present.includes(0)) return { labels, timestamps, values, from: 0, to: values.length }
  let to = 0
  const times = new Float64Array(values.length)
  const kept = new Float64Array(values.length)
  for (let i = 0; i < values.length; i++) {
    if (present[i] === 0) continue
    times[to] = timestamps[i]!
    kept[to++] = values[i]!
  }
  return { labels, timestamps: times, values: kept, from: 0, to }
}

/** The window of every step of one series: samples lo (inclusive) to hi (exclusive). Reused from series to series. */
export class Windows {
  readonly lo: Int32Array
  readonly hi: Int32Array
  readonly #vector: RangeVector

  constructor(vector: RangeVector, steps: number) {
    this.#vector = vector
    this.lo = new Int32Array(steps)
    this.hi = new Int32Array(steps)
  }

  /** Moves two pointers over the series, both only forward. */
  slide({ timestamps, from, to }: RangeSeries): void {
    const { ends, rangeMs } = this.#vector
    let low = from
    let high = from
    for (let i = 0; i < this.lo.length; i++) {
      const end = ends.first + i * ends.step
      const start = end - rangeMs
      while (high < to && timestamps[high]! <= end) high++
      while (low < high && timestamps[low]! <= start) low++
      this.lo[i] = low
      this.hi[i] = high
    }
  }

  /** Seconds since the epoch at which the window of a step ends. */
  endOf(step: number): number {
    return this.#vector.ends.first + step * this.#vector.ends.step
  }

  get rangeMs(): number {
    return this.#vector.rangeMs
  }
}
