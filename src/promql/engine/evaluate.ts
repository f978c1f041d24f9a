import { CeleriacError, Labels } from '../../base/index.ts'
import type {
  Annotated,
  InstantResult,
  MatrixSeries,
  QueryOptions,
  SeriesSource,
  VectorSample,
  Work,
} from '../contract.ts'
import { type Expr, unwrap } from '../syntax/ast.ts'
import { typeOf } from '../syntax/check.ts'
import { parse } from '../syntax/parser.ts'
import { evaluateAggregate } from './aggregate.ts'
import { evaluateBinary } from './binary.ts'
import { evaluateCall } from './call.ts'
import { failedType } from './evaluation.ts'
import { Query } from './query.ts'
import { selectInstant } from './select.ts'
import { type Column, dropNames, type Grid, joinEqual, timeAt, type Value, vector } from './value.ts'
import { rangeVector, Windows } from './windows.ts'

/**
 * The value of an expression at one instant, as `/api/v1/query` answers. Vectors come in the engine's order (that of `sort`,
 * `topk`); a range vector is answered with its samples.
 *
 * @throws PromqlSyntaxError when `expr` is text that does not parse; CeleriacError QUERY_FAILED, QUERY_LIMIT.
 */
export function evaluateInstant(
  expr: string | Expr,
  atMs: number,
  source: SeriesSource,
  options?: QueryOptions,
): Annotated<InstantResult> {
  return finish(instantWork(expr, atMs, source, options))
}

/** The same as work that may be paused. What was selected stays as it was, whatever is appended meanwhile. */
export function* instantWork(
  expr: string | Expr,
  atMs: number,
  source: SeriesSource,
  options?: QueryOptions,
): Work<Annotated<InstantResult>> {
  const tree = typeof expr === 'string' ? parse(expr) : expr
  const query = new Query(tree, { startMs: atMs, endMs: atMs, isRange: false }, source, options)
  const grid: Grid = { startMs: atMs, stepMs: 1, steps: 1 }
  if (typeOf(tree) === 'matrix') {
    return annotated(query, { type: 'matrix', series: yield* samplesInRange(query, tree, grid) })
  }
  const value = yield* evaluate(query, tree, grid)
  if (value.kind === 'string') return annotated(query, { type: 'string', value: value.value })
  if (value.kind === 'scalar') return annotated(query, { type: 'scalar', value: value.values[0] ?? NaN })
  const samples: VectorSample[] = []
  for (const { labels, values, present } of yield* joinEqual(query, value.columns))
    if (present[0] === 1) samples.push({ labels, value: values[0] ?? NaN })
  return annotated(query, { type: 'vector', samples })
}

/**
 * The values of an expression at every step from `startMs` to at most `endMs`, as `/api/v1/query_range` answers: series
 * sorted by labels; a scalar is a series without labels.
 *
 * @throws PromqlSyntaxError when `expr` is text that does not parse; CeleriacError QUERY_INVALID for a string or range
 * vector or bounds that make no range, QUERY_LIMIT, QUERY_FAILED.
 */
export function evaluateRange(
  expr: string | Expr,
  startMs: number,
  endMs: number,
  stepMs: number,
  source: SeriesSource,
  options?: QueryOptions,
): Annotated<readonly MatrixSeries[]> {
  return finish(rangeWork(expr, startMs, endMs, stepMs, source, options))
}

/** The same as work that may be paused. */
export function* rangeWork(
  expr: string | Expr,
  startMs: number,
  endMs: number,
  stepMs: number,
  source: SeriesSource,
  options?: QueryOptions,
): Work<Annotated<readonly MatrixSeries[]>> {
  const tree = typeof expr === 'string' ? parse(expr) : expr
  const type = typeOf(tree)
  if (type === 'matrix' || type === 'string') {
    const got = type === 'matrix' ? 'range vector' : 'string'
    throw invalid(`invalid expression type "${got}" for range query, must be Scalar or instant Vector`)
  }
  if (!(stepMs > 0))
    throw invalid('zero or negative query resolution step widths are not accepted', 'Try a positive step.')
  if (!(endMs >= startMs)) throw invalid('end timestamp must not be before start time')
  const query = new Query(tree, { startMs, endMs, isRange: true }, source, options)
  const steps = Math.floor((endMs - startMs) / stepMs) + 1
  const { maxPointsPerSeries } = query.limits
  // Counted as Prometheus' API counts: so many whole steps, and the point they start from.
  if (steps - 1 > maxPointsPerSeries) {
    throw new CeleriacError(
      'QUERY_LIMIT',
      `exceeded maximum resolution of ${maxPointsPerSeries} points per timeseries: ${steps} asked for`,
      { hint: `Use a step of at least ${Math.ceil((endMs - startMs) / maxPointsPerSeries / 1000)} s.` },
    )
  }
  const grid: Grid = { startMs, stepMs, steps }
  const value = yield* evaluate(query, tree, grid)
  if (value.kind === 'scalar') {
    const timestamps = Float64Array.from({ length: steps }, (_, i) => timeAt(grid, i))
    return annotated(query, [{ labels: Labels.EMPTY, timestamps, values: value.values }])
  }
  if (value.kind === 'string') throw failedType('scalar or instant vector', tree)
  const joined = yield* joinEqual(query, value.columns)
  const series = (yield* query.map(joined, steps, column => pointsOf(column, grid))).flat()
  return annotated(
    query,
    series.sort((a, b) => Labels.compare(a.labels, b.labels)),
  )
}

function finish<T>(work: Work<T>): T {
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
  }
}

const invalid = (message: string, hint?: string): CeleriacError =>
  new CeleriacError('QUERY_INVALID', message, hint === undefined ? {} : { hint })

const annotated = <T>(query: Query, result: T): Annotated<T> => ({
  result,
  warnings: [...query.warnings],
  infos: [...query.infos],
})

/** Evaluates one node over a grid; what does not change is computed at one step and repeated. */
function* evaluate(query: Query, expr: Expr, grid: Grid): Work<Value> {
  if (grid.steps > 1 && query.invariant.has(expr)) {
    const once = yield* compute(query, expr, { ...grid, steps: 1 })
    return yield* repeated(query, once, grid.steps)
  }
  return yield* compute(query, expr, grid)
}

function* compute(query: Query, expr: Expr, grid: Grid): Work<Value> {
  // Even a scalar is a value a step, and a subquery can have very many steps.
  query.spend(grid.steps)
  switch (expr.type) {
    case 'number':
      return { kind: 'scalar', values: new Float64Array(grid.steps).fill(expr.value) }
    case 'string':
      return { kind: 'string', value: expr.value }
    case 'selector':
      return vector(yield* selectInstant(query, expr, grid))
    case 'paren':
      return yield* evaluate(query, expr.expr, grid)
    case 'unary': {
      const value = yield* evaluate(query, expr.expr, grid)
      return expr.op === '+' ? value : yield* negated(query, value, expr)
    }
    case 'call':
      return yield* evaluateCall(query, expr, grid, evaluate)
    case 'aggregate':
      return yield* evaluateAggregate(query, expr, grid, evaluate)
    case 'binary':
      return yield* evaluateBinary(query, expr, grid, evaluate)
    case 'range':
    case 'subquery':
      throw failedType('scalar or instant vector', expr)
  }
}

function* negated(query: Query, value: Value, expr: Expr): Work<Value> {
  if (value.kind === 'scalar') return { kind: 'scalar', values: value.values.map(number => -number) }
  if (value.kind === 'string') throw failedType('scalar or instant vector', expr)
  const steps = value.columns[0]?.values.length ?? 0
  query.spend(value.columns.length * steps)
  const columns = yield* query.map(value.columns, steps, ({ labels, values, present }) => ({
    labels,
    values: values.map(number => -number),
    present,
  }))
  return vector(yield* dropNames(query, columns))
}

function* repeated(query: Query, value: Value, steps: number): Work<Value> {
  if (value.kind === 'string') return value
  if (value.kind === 'scalar')
    return { kind: 'scalar', values: new Float64Array(steps).fill(value.values[0] ?? NaN) }
  query.spend(value.columns.length * steps)
  const present = value.columns.filter(column => column.present[0] === 1)
  return vector(
    yield* query.map(present, steps, ({ labels, values }) => ({
      labels,
      values: new Float64Array(steps).fill(values[0] ?? NaN),
      present: new Uint8Array(steps).fill(1),
    })),
  )
}

function pointsOf({ labels, values, present }: Column, grid: Grid): readonly MatrixSeries[] {
  let count = 0
  for (const here of present) count += here
  if (count === 0) return []
  const timestamps = new Float64Array(count)
  const kept = count === values.length ? values : new Float64Array(count)
  let at = 0
  for (let i = 0; i < values.length; i++) {
    if (present[i] === 0) continue
    timestamps[at] = timeAt(grid, i)
    kept[at++] = values[i]!
  }
  return [{ labels, timestamps, values: kept }]
}

/** The raw samples of a range selector or subquery at one instant. */
function* samplesInRange(query: Query, expr: Expr, grid: Grid): Work<readonly MatrixSeries[]> {
  const input = yield* rangeVector(query, unwrap(expr), grid, evaluate)
  const windows = new Windows(input, 1)
  const found = yield* query.map(input.series, grid.steps, series => {
    windows.slide(series)
    const from = windows.lo[0] ?? 0
    const to = windows.hi[0] ?? 0
    return {
      labels: series.labels,
      timestamps: series.timestamps.slice(from, to),
      values: series.values.slice(from, to),
    }
  })
  return found
    .filter(series => series.timestamps.length > 0)
    .sort((a, b) => Labels.compare(a.labels, b.labels))
}
